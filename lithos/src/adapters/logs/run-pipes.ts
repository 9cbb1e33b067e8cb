// The pipes a container writes its output to. While somebody besides the monitor has them open, the death of the monitor
// costs neither what is in them nor the program (which would otherwise get SIGPIPE with its next line).
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makePipe } from '@suite/shared/linux/pipes.ts';
import type { Held } from './pipe-holder.ts';

export interface RunPipe {
  readonly stream: 'stdout' | 'stderr';
  readonly fd: number;
}

const NAMES = ['stdout', 'stderr'] as const;
const FILE = 'pipes';
/** A line of that file. */
const OWN = 'read by lithos_tree';

/** Another open file of the same pipe: reading from it does not block, and the program's own flags stay as they are. */
function openPipe(
  path: string,
  stream: RunPipe['stream'],
  inode?: number,
): (RunPipe & { readonly inode: number }) | undefined {
  try {
    const seen = statSync(path);
    if (!seen.isFIFO() || (inode !== undefined && seen.ino !== inode)) return undefined;
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).ino === seen.ino) return { stream, fd, inode: seen.ino };
    closeSync(fd);
  } catch {
    // It ended, or closed it, in between.
  }
  return undefined;
}

/** Of a container whose program does not run yet: its first two outputs are the monitor's pipes, unless it has no log. */
export function openRunPipes(bundle: string, pid: number): RunPipe[] {
  const pipes = NAMES.flatMap((stream, index) => openPipe(`/proc/${pid}/fd/${index + 1}`, stream) ?? []);
  remember(bundle, pipes, '');
  return pipes;
}

/** Later the program may have put anything there: which pipes they were is kept. */
function remember(
  bundle: string,
  pipes: readonly (RunPipe & { readonly inode: number })[],
  more: string,
): void {
  writeFileSync(join(bundle, FILE), pipes.map(({ stream, inode }) => `${stream} ${inode}\n`).join('') + more);
}

/** Pipes that no monitor reads: the read ends stay ours, the write ends are the program's. */
export interface OwnPipes {
  readonly pipes: readonly RunPipe[];
  readonly writeEnds: readonly [number, number];
}

export function makeOwnPipes(): OwnPipes {
  const made = NAMES.map(stream => ({ stream, ends: makePipe() }));
  const pipes = made.map(({ stream, ends }) => ({ stream, fd: ends[0] }));
  return { pipes, writeEnds: made.map(({ ends }) => ends[1]) as [number, number] };
}

/** They are in use: a later supervisor must know that it has to read them. */
export function rememberOwn(bundle: string, pipes: readonly RunPipe[]): void {
  remember(
    bundle,
    pipes.map(pipe => ({ ...pipe, inode: fstatSync(pipe.fd).ino })),
    `${OWN}\n`,
  );
}

export function areOwn(bundle: string): boolean {
  try {
    return readFileSync(join(bundle, FILE), 'latin1').split('\n').includes(OWN);
  } catch {
    return false;
  }
}

function fdPaths(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(fd => `/proc/${pid}/fd/${fd}`);
  } catch {
    return [];
  }
}

/** Of a run that an earlier supervisor started: whoever of `pids` still has them open. */
export function findRunPipes(bundle: string, pids: readonly number[]): RunPipe[] {
  let text = '';
  try {
    text = readFileSync(join(bundle, FILE), 'latin1');
  } catch {
    return [];
  }
  const paths = pids.flatMap(fdPaths);
  return NAMES.flatMap(stream => {
    const inode = new RegExp(`^${stream} (\\d+)$`, 'm').exec(text)?.[1];
    if (inode === undefined) return [];
    for (const path of paths) {
      const found = openPipe(path, stream, Number(inode));
      if (found !== undefined) return [found];
    }
    return [];
  });
}

/** As text and descriptors, to be held by somebody else. */
export function toHeld(name: string, run: number, pipes: readonly RunPipe[]): Held {
  const key = [name, run, ...pipes.map(({ stream }) => stream)].join(' ');
  return { key, fds: pipes.map(({ fd }) => fd) };
}

/** The pipes of that run among what was held; undefined when they are not. */
export function fromHeld(name: string, run: number, { key, fds }: Held): RunPipe[] | undefined {
  const [ofName, ofRun, ...streams] = key.split(' ');
  if (ofName !== name || ofRun !== String(run) || streams.length !== fds.length) return undefined;
  return fds.map((fd, index) => ({ stream: streams[index] as RunPipe['stream'], fd }));
}

export function closePipes(pipes: readonly RunPipe[]): void {
  for (const { fd } of pipes) closeSync(fd);
}
