// One entry of a process file: the container file in its image, and whether the image has what the start will need.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { checkMountPoints } from '@suite/shared/oci/mount-points.ts';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { type ContainerKeys, containerSchema } from '../config/container.ts';
import { diagnostic, locate } from '../config/locate.ts';
import type { ProcessEntry } from '../config/process.ts';
import type { SandboxKeys } from '../config/sandbox.ts';
import { instancesOf } from '../core/desired/instances.ts';
import { checkImageName, components } from '../core/desired/paths.ts';
import type { EntrySources, Parsed, SandboxSources } from '../core/desired/sources.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { mountsOf } from './bundle.ts';
import { type Backing, lookUp, lookUpIn } from './image.ts';
import { readConfig, type Texts } from './read-yaml.ts';

/** One reading of a sandbox: errors are collected in `found`. */
export interface Round {
  readonly disk: Disk;
  readonly texts: Texts;
  readonly found: Diagnostic[];
}

async function readContainer(round: Round, root: string, path: string, place: () => Diagnostic) {
  const inside = await lookUp(root, path);
  if (inside.kind !== 'file') {
    round.found.push(place());
    return undefined;
  }
  const read = await readConfig(round.disk, containerSchema, inside.hostPath, round.texts);
  if (read.ok) return read.value;
  round.found.push(...read.errors);
  return undefined;
}

/** Two entries with one image and config read the file once, and its errors are reported once. */
export type ContainerCache = Map<string, Parsed<ContainerKeys> | undefined>;

export async function readEntry(
  round: Round,
  sandbox: SandboxKeys,
  processes: Parsed<Record<string, ProcessEntry>>,
  process: string,
  cache: ContainerCache,
): Promise<EntrySources> {
  const entry = processes.value[process] as ProcessEntry;
  const imageRoot = join(sandbox.imageDir, entry.image);
  const at = (key: string) => locate(processes.node, [process, key]);
  const unusable: EntrySources = { process, entry, imageRoot, container: undefined };
  const badName = checkImageName(entry.image, sandbox.imageDirLevels);
  if (badName !== undefined) {
    round.found.push(diagnostic('bad-image', 'error', badName, at('image')));
    return unusable;
  }
  if ((await lookUp(imageRoot, '/')).kind !== 'directory') {
    const message = `image ${entry.image} does not exist: ${imageRoot} is no directory`;
    round.found.push(diagnostic('image-missing', 'error', message, at('image')));
    return unusable;
  }
  const key = `${imageRoot}\0${entry.config}`;
  if (!cache.has(key)) {
    const missing = `${entry.config} is no file of image ${entry.image}`;
    const place = () => diagnostic('config-missing', 'error', missing, at('config'));
    cache.set(key, await readContainer(round, imageRoot, entry.config, place));
  }
  return { process, entry, imageRoot, container: cache.get(key) };
}

function isBelow(path: string, parent: string): boolean {
  const inner = components(path) ?? [];
  return (components(parent) ?? []).every((part, index) => inner[index] === part);
}

/**
 * The image; what lies below a volume is unknown: a check inside another container may see something else under the
 * same path, or nothing.
 */
function imageAlone({ imageRoot, volumes }: DesiredInstance): Backing {
  return virtual =>
    volumes.some(({ target }) => isBelow(virtual, target)) ? undefined : join(imageRoot, virtual);
}

/** Links followed, as the mount will; undefined when it cannot be seen from here. */
function realSource(source: string | undefined): string | undefined {
  try {
    return source === undefined ? undefined : realpathSync(source);
  } catch {
    return undefined;
  }
}

/**
 * Sources are looked at only where they are visible: a check inside a container sees the images, not the volumes.
 * What stands in for an invisible one is a directory, so a complaint about its kind would mean nothing.
 */
async function mountPointProblems(instance: DesiredInstance) {
  const mounts = mountsOf(instance, '/', { resolvConf: false, hosts: false });
  const sources = mounts.map(({ source }) => realSource(source));
  const shown = mounts.map((mount, index): SandboxMount => {
    const source = sources[index];
    return source === undefined
      ? { type: 'tmpfs', target: mount.target, readonly: false }
      : { ...mount, source };
  });
  const hidden = new Set(
    mounts.filter((_, index) => sources[index] === undefined).map(({ target }) => target),
  );
  const problems = await checkMountPoints(instance.imageRoot, shown);
  return problems.filter(({ target, reason }) => !hidden.has(target) || !reason.startsWith('is a file'));
}

/** Mount points and the executable must be in the image (or in a volume), or the start would fail. */
export async function checkImage(sources: SandboxSources, entry: EntrySources): Promise<Diagnostic[]> {
  const container = entry.container;
  const [instance] = instancesOf(sources, {
    ...entry,
    entry: { ...entry.entry, kind: 'Daemon', instances: 1 },
  });
  if (container === undefined || instance === undefined) return [];
  const found: Diagnostic[] = [];
  const { executable } = container.value;
  const there = await lookUpIn(imageAlone(instance), executable);
  if (there.kind !== 'file' && there.kind !== 'unknown') {
    const message = `${executable} is no file of image ${entry.entry.image}`;
    found.push(diagnostic('executable-missing', 'error', message, locate(container.node, ['executable'])));
  }
  for (const missing of await mountPointProblems(instance)) {
    const message = `${missing.target} in image ${entry.entry.image}: ${missing.reason}`;
    found.push(
      diagnostic(
        'mount-point-missing',
        'error',
        message,
        locate(container.node, ['volumes', missing.target]),
      ),
    );
  }
  return found;
}
