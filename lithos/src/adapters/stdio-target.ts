// Output that goes elsewhere than into the instance's log: a file of the container, or our own terminal.
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { closeQuietly, O_PATH, type OpenRequest, openAt, openPlace } from '@suite/shared/linux/openat2.ts';
import { hostId } from '../core/desired/id-maps.ts';
import { isBelow, pathBelow } from '../core/desired/paths.ts';
import type { DesiredInstance, ResolvedVolume } from '../core/desired/types.ts';
import type { Attachment, RunPart } from './attachment.ts';
import { type HostPaths, instanceDir } from './paths.ts';
import { isHostVolume, openSource } from './volumes.ts';

const STDOUT = 1;
const STDERR = 2;
const FILE_MODE = 0o644;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY;

type Writable = Extract<ResolvedVolume, { kind: 'persistent' | 'statedir' }>;

/** The volume that a path is in, if it can be written from outside too; the innermost one counts. */
function volumeOf({ volumes }: DesiredInstance, path: string): Writable {
  const [volume] = volumes
    .filter(({ target }) => isBelow(path, target))
    .sort((a, b) => b.target.length - a.target.length);
  if (volume?.kind === 'persistent' || volume?.kind === 'statedir') return volume;
  const where =
    volume === undefined ? 'in the image, which is never written to' : `in a !${volume.kind} volume`;
  throw new Error(
    `stdout-stderr-file: ${path} is ${where}: name a file in a !Persistent or !Statedir volume`,
  );
}

function createIn(directory: number, path: string, request: OpenRequest): number {
  try {
    return openAt(directory, path, request);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error('is a link to what does not exist in the volume');
  }
}

/**
 * Opens the file as a program in the container would, for appending: `/` and `..` and links end at the volume. Only a
 * regular file; a new one belongs to the program.
 */
function openInVolume(directory: number, path: string, instance: DesiredInstance): number {
  const resolve = ['inRoot', 'noMagicLinks'] as const;
  try {
    // A place first: opening what may be a pipe or a device could wait, or do something.
    const place = openAt(directory, path, { flags: O_PATH, resolve });
    try {
      if (!fstatSync(place).isFile()) throw new Error('is no regular file');
      return openSync(`/proc/self/fd/${place}`, APPEND);
    } finally {
      closeSync(place);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const flags = APPEND | constants.O_CREAT | constants.O_EXCL;
  const made = createIn(directory, path, { flags, mode: FILE_MODE, resolve });
  const user = hostId(instance, 'user', instance.userId) ?? 0;
  fchownSync(made, user, hostId(instance, 'group', instance.groupId) ?? 0);
  fchmodSync(made, FILE_MODE);
  return made;
}

export class StdioTarget implements Attachment {
  readonly concern = 'stdio';
  private readonly paths: HostPaths;
  private readonly open = new Map<string, { readonly run: number; readonly fd: number }>();

  constructor(paths: HostPaths) {
    this.paths = paths;
  }

  async attach(desired: DesiredInstance, run: number): Promise<RunPart> {
    const { stdio, name } = desired;
    if (stdio.kind === 'log') return {};
    if (stdio.kind === 'inherit') return { outputFd: STDOUT, errorFd: STDERR };
    const fd = await this.openFile(desired, stdio.path);
    this.close(name);
    this.open.set(name, { run, fd });
    return { outputFd: fd };
  }

  /** The monitor and the program have it now. */
  async created({ name }: DesiredInstance): Promise<void> {
    this.close(name);
  }

  async detach(name: string, run: number): Promise<void> {
    if (this.open.get(name)?.run === run) this.close(name);
  }

  private async openFile(desired: DesiredInstance, path: string): Promise<number> {
    const volume = volumeOf(desired, path);
    const directory = isHostVolume(volume)
      ? await openSource(volume)
      : openPlace(join(instanceDir(this.paths.stateDir, desired.name), volume.path));
    try {
      return openInVolume(directory, pathBelow(path, volume.target), desired);
    } catch (error) {
      throw new Error(`stdout-stderr-file: ${path}: ${(error as Error).message}`);
    } finally {
      closeSync(directory);
    }
  }

  private close(name: string): void {
    const fd = this.open.get(name)?.fd;
    if (fd !== undefined) closeQuietly(fd);
    this.open.delete(name);
  }
}
