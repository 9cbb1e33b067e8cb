// Listening sockets with a name in the file system, made in directories that others may write to.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import type { Owner } from './fs-user.ts';
import { checked, libc } from './native.ts';
import { O_PATH, openAt, openPlace } from './openat2.ts';
import { AF_UNIX, unixAddress } from './socket-address.ts';
import { bindSocket, orClose, startListening, streamSocket } from './sockets.ts';

/** Of the hash of a path: two paths of one host will not meet. */
const TAG_LENGTH = 32;

const connect = libc('int connect(int fd, const void *address, int length)');

interface UnixListenOptions {
  /** Absolute. */
  readonly path: string;
  /** An existing directory that `path` is in; links below it must not lead out of it. */
  readonly root: string;
  readonly backlog: number;
  readonly mode: number;
  readonly owner: Owner;
  readonly nonBlocking?: boolean;
}

/** The name a socket is bound under before it gets its own; the kernel keeps it as the socket's address. */
export function boundName(path: string): string {
  return `.listen-${createHash('sha256').update(path).digest('hex').slice(0, TAG_LENGTH)}`;
}

/** A directory below `root`, whatever somebody makes of the links in it meanwhile. Throws EXDEV when one leads out. */
function openBeneath(root: string, directory: string): number {
  const rootFd = openPlace(root);
  try {
    const flags = O_PATH | constants.O_DIRECTORY;
    return openAt(rootFd, relative(root, directory) || '.', { flags, resolve: ['beneath', 'noMagicLinks'] });
  } finally {
    closeSync(rootFd);
  }
}

/** Runs `work` with a name of the directory of `path` that cannot be redirected. */
function inDirectory<T>(options: { path: string; root: string }, work: (directory: string) => T): T {
  const fd = openBeneath(options.root, dirname(options.path));
  try {
    return work(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/** Whether somebody listens there; only by connecting can one know. */
function isListening(name: string): boolean {
  const fd = streamSocket(AF_UNIX, true);
  try {
    const address = unixAddress(name);
    checked('connect', connect(fd, address, address.length));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ECONNREFUSED' && code !== 'ENOENT';
  } finally {
    closeSync(fd);
  }
}

type Found = 'nothing' | 'stale' | 'listening' | 'other';

function look(name: string): Found {
  const stats = lstatSync(name, { throwIfNoEntry: false });
  if (stats === undefined) return 'nothing';
  if (!stats.isSocket()) return 'other';
  return isListening(name) ? 'listening' : 'stale';
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Through a descriptor, so that it is the socket and not what somebody put in its place. */
function giveAway(name: string, owner: Owner, mode: number): void {
  const fd = openSync(name, O_PATH | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(fd).isSocket()) throw failure('EEXIST', `${name} was replaced`);
    chownSync(`/proc/self/fd/${fd}`, owner.user, owner.group);
    chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}

function listenIn(directory: string, options: UnixListenOptions): number {
  const name = `${directory}/${basename(options.path)}`;
  const found = look(name);
  if (found === 'listening') throw failure('EADDRINUSE', `${options.path} is in use`);
  if (found === 'other') throw failure('EEXIST', `${options.path} exists and is no socket`);
  const bound = `${directory}/${boundName(options.path)}`;
  rmSync(bound, { force: true });
  return orClose(streamSocket(AF_UNIX, options.nonBlocking), fd => {
    bindSocket(fd, unixAddress(bound));
    giveAway(bound, options.owner, options.mode);
    startListening(fd, options.backlog);
    // A client finds the old socket or the new one, never none; and the path may be longer than an address.
    renameSync(bound, name);
  });
}

/**
 * As `listenSocket`, with a name in the file system. A socket file that nobody listens on is replaced. Throws with
 * `code`: EADDRINUSE, EEXIST (another kind of file), EXDEV (a link leads out of `root`), ENOENT (no such directory).
 */
export function listenUnixSocket(options: UnixListenOptions): number {
  return inDirectory(options, directory => listenIn(directory, options));
}

/** Removes the socket file when nobody listens on it any more. Whatever else is there stays. */
export function removeStaleSocket(options: { readonly path: string; readonly root: string }): void {
  inDirectory(options, directory => {
    const name = `${directory}/${basename(options.path)}`;
    if (look(name) === 'stale') rmSync(name, { force: true });
  });
}
