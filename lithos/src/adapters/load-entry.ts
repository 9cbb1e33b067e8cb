import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { type ContainerKeys, containerSchema } from '../config/container.ts';
import { diagnostic, locate } from '../config/locate.ts';
import type { ProcessEntry } from '../config/process.ts';
import type { SandboxKeys } from '../config/sandbox.ts';
import { checkImageName } from '../core/desired/paths.ts';
import type { EntrySources, Parsed } from '../core/desired/sources.ts';
import { lookUp } from './image.ts';
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

/** What one reading knows already: entries with one image and container file look once, and its errors are reported once. */
export class Seen {
  readonly containers = new Map<string, Promise<Parsed<ContainerKeys> | undefined>>();
  private readonly images = new Map<string, Promise<boolean>>();

  isImage(root: string): Promise<boolean> {
    const known = this.images.get(root) ?? lookUp(root, '/').then(({ kind }) => kind === 'directory');
    this.images.set(root, known);
    return known;
  }
}

export async function readEntry(
  round: Round,
  sandbox: SandboxKeys,
  processes: Parsed<Record<string, ProcessEntry>>,
  process: string,
  seen: Seen,
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
  if (!(await seen.isImage(imageRoot))) {
    const message = `image ${entry.image} does not exist: ${imageRoot} is no directory`;
    round.found.push(diagnostic('image-missing', 'error', message, at('image')));
    return unusable;
  }
  const key = `${imageRoot}\0${entry.config}`;
  const missing = `${entry.config} is no file of image ${entry.image}`;
  const place = () => diagnostic('config-missing', 'error', missing, at('config'));
  const container = seen.containers.get(key) ?? readContainer(round, imageRoot, entry.config, place);
  seen.containers.set(key, container);
  return { process, entry, imageRoot, container: await container };
}
