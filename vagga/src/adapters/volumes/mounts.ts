// Planned volumes as mounts of this machine: directories made, mount points checked.
import { statSync } from 'node:fs';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Container, RunCommand } from '../../config/model.ts';
import type { PlannedBind, PlannedMount, PlannedPersistent } from '../../core/volumes/mounts.ts';
import { mergedVolumes, planVolumes } from '../../core/volumes/plan.ts';
import { inRoot } from '../build/in-root.ts';
import { bindMount, projectMount } from '../oci/sandbox.ts';
import { cacheDirectory } from './cache-directory.ts';
import { hostFiles } from './host-files.ts';
import { mountPointProblem } from './mount-points.ts';
import { containerRoot, type MountPlace, NeedsFull, VolumeError } from './place.ts';

export type Mounts =
  | { readonly ok: true; readonly mounts: readonly SandboxMount[] }
  | { readonly ok: false; readonly message: string };

/** Only the mount itself is read-only, what is mounted below it stays as it is. */
function plainBind(source: string, target: string, readonly: boolean): SandboxMount {
  const mount = { ...bindMount(source, target, readonly), readonlyBelow: false };
  const stat = statSync(source, { throwIfNoEntry: false });
  return stat?.isCharacterDevice() || stat?.isBlockDevice() ? { ...mount, nodev: false } : mount;
}

function bind({ from, path, target, readonly }: PlannedBind, place: MountPlace) {
  const { layout, rootPath } = place;
  if (from === 'host') return plainBind(path, target, readonly);
  // A link in a project must not show the host's own files.
  const source = inRoot(from === 'project' ? layout.root : rootPath, path);
  if (from === 'image' && !readonly) fullOf(place).ownFiles(source);
  return plainBind(source, target, readonly);
}

/** The directory that is being filled, or the finished one. */
function persistent(mount: PlannedPersistent, place: MountPlace): string {
  const { name, initCommand } = mount;
  const path = place.layout.volume(name);
  const filling = place.full?.filling(name);
  if (filling !== undefined) return filling;
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  if (place.full === undefined) throw new NeedsFull();
  if (initCommand !== undefined)
    throw new VolumeError(`Internal error: Got uninitialized volume ${JSON.stringify(name)}`);
  return place.full.createPersistent(mount, place.container);
}

function toMount(mount: PlannedMount, place: MountPlace): SandboxMount {
  const { target } = mount;
  switch (mount.kind) {
    case 'tmpfs': {
      const { sizeBytes, mode, readonly, directories, files } = mount;
      if (directories.length + files.length > 0) return bindMount(fullOf(place).filledTmpfs(mount), target);
      return { type: 'tmpfs', target, readonly, sizeBytes, mode };
    }
    case 'bind':
      return bind(mount, place);
    case 'cache':
      return bindMount(cacheDirectory(place.layout, mount.path), target);
    case 'persistent':
      return bindMount(persistent(mount, place), target);
    case 'container':
      return bindMount(containerRoot(place.layout, mount.name), target, true);
    case 'snapshot':
      return bindMount(fullOf(place).snapshot(mount, place), target);
    case 'vagga-bin':
      return bindMount(fullOf(place).vaggaBin(place.layout), target, true);
  }
}

function fullOf({ full }: MountPlace) {
  if (full === undefined) throw new NeedsFull();
  return full;
}

function absentSource(mounts: readonly SandboxMount[]): string | undefined {
  const absent = mounts.find(
    ({ source }) => source !== undefined && !statSync(source, { throwIfNoEntry: false }),
  );
  return absent && `volume ${absent.target}: ${absent.source} does not exist`;
}

function checked(place: MountPlace, planned: readonly PlannedMount[]): Mounts {
  const volumes = planned.map(mount => toMount(mount, place));
  const mounts = [projectMount(place.layout.root), ...volumes];
  const problem = absentSource(volumes) ?? mountPointProblem(place.rootPath, mounts);
  if (problem !== undefined) return { ok: false, message: problem };
  return { ok: true, mounts: [...mounts, ...hostFiles(place, mounts)] };
}

/** Throws `NeedsFull` when this cannot be done on the short path. */
export function mountsOf(
  place: Omit<MountPlace, 'container'>,
  container: Container,
  command: RunCommand,
): Mounts {
  const plan = planVolumes(mergedVolumes(container, command), place.externalVolumes);
  if (!plan.ok) return plan;
  try {
    return checked({ ...place, container }, plan.mounts);
  } catch (error) {
    if (error instanceof VolumeError) return { ok: false, message: error.message };
    throw error;
  }
}
