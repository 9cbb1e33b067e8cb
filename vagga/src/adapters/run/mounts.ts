// Planned volumes as mounts of this machine: directories made, mount points checked.
import { chownSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Container, RunCommand } from '../../config/model.ts';
import { type PlannedMount, planVolumes } from '../../core/run/volumes.ts';
import { inRoot } from '../build/in-root.ts';
import type { Layout } from '../image/layout.ts';
import { ownFiles } from '../layers/own-files.ts';
import { bindMount, projectMount } from '../oci/sandbox.ts';

export interface MountPlace {
  readonly layout: Layout;
  /** Absolute path of the image's root. */
  readonly rootPath: string;
}

/** Made on first use, owned as the volume says. */
function persistentDirectory(layout: Layout, mount: Extract<PlannedMount, { kind: 'persistent' }>): string {
  const path = layout.volume(mount.name);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(path, { recursive: true });
    chownSync(path, mount.ownerUid, mount.ownerGid);
  }
  return path;
}

function toMount(mount: PlannedMount, { layout, rootPath }: MountPlace): SandboxMount {
  switch (mount.kind) {
    case 'tmpfs': {
      const { target, sizeBytes, mode } = mount;
      return { type: 'tmpfs', target, readonly: false, sizeBytes, mode };
    }
    case 'bind': {
      const source = mount.from === 'project' ? join(layout.root, mount.path) : inRoot(rootPath, mount.path);
      if (mount.from === 'image' && !mount.readonly) ownFiles(source);
      return bindMount(source, mount.target, mount.readonly);
    }
    case 'cache': {
      const source = layout.cache(mount.path);
      mkdirSync(source, { recursive: true });
      return bindMount(source, mount.target);
    }
    case 'persistent':
      return bindMount(persistentDirectory(layout, mount), mount.target);
  }
}

/** The host's file at the image's path, unless a volume or `null` says otherwise or the image has no such file. */
function hostFile(
  place: MountPlace,
  source: string,
  target: string | null,
  taken: readonly PlannedMount[],
): SandboxMount[] {
  if (target === null || taken.some(mount => mount.target === target)) return [];
  const inImage = lstatSync(inRoot(place.rootPath, target), { throwIfNoEntry: false });
  const onHost = statSync(source, { throwIfNoEntry: false });
  return inImage?.isFile() && onHost?.isFile() ? [{ type: 'bind', source, target, readonly: true }] : [];
}

/** The engine would make a missing mount point inside the image and so change it. */
function missingPoint(place: MountPlace, mounts: readonly PlannedMount[]): string | undefined {
  const inside = (target: string) =>
    mounts.some(mount => mount.target !== target && target.startsWith(`${mount.target}/`));
  const missing = mounts.find(({ target }) => {
    const path = target.startsWith('/work/')
      ? join(place.layout.root, target.slice('/work'.length))
      : inRoot(place.rootPath, target);
    return !inside(target) && lstatSync(path, { throwIfNoEntry: false }) === undefined;
  });
  return missing === undefined
    ? undefined
    : `mount point ${missing.target} does not exist in the image: create it with !EnsureDir`;
}

export type Mounts =
  | { readonly ok: true; readonly mounts: readonly SandboxMount[] }
  | { readonly ok: false; readonly message: string };

export function mountsOf(place: MountPlace, container: Container, command: RunCommand): Mounts {
  const plan = planVolumes(container, command);
  if (!plan.ok) return plan;
  const problem = missingPoint(place, plan.mounts);
  if (problem !== undefined) return { ok: false, message: problem };
  const files = [
    ...hostFile(place, '/etc/resolv.conf', container.resolvConfPath, plan.mounts),
    ...hostFile(place, '/etc/hosts', container.hostsFilePath, plan.mounts),
  ];
  const volumes = plan.mounts.map(mount => toMount(mount, place));
  const absent = volumes.find(
    ({ source }) => source !== undefined && !statSync(source, { throwIfNoEntry: false }),
  );
  if (absent !== undefined)
    return { ok: false, message: `volume ${absent.target}: ${absent.source} does not exist` };
  return { ok: true, mounts: [projectMount(place.layout.root), ...volumes, ...files] };
}
