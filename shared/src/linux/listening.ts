// Listening sockets that are open already: ours after an exec in place, or those of a process we are to go on for.
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { isCloseOnExec, setCloseOnExec } from './fd-flags.ts';
import { checked, libc } from './native.ts';
import { isOfOurNetwork } from './netns.ts';
import { pidfdGetFd, pidfdOpen } from './pidfd.ts';
import { decodeAddress, type SocketAddress } from './socket-address.ts';
import { SO_REUSEPORT, SOL_SOCKET } from './socket-calls.ts';

const SO_ACCEPTCONN = 30;
/** sizeof(struct sockaddr_storage). */
const ADDRESS_BYTES = 128;
const FIRST_FD = 3;

const getsockname = libc('int getsockname(int fd, void *address, void *length)');
const getsockopt = libc('int getsockopt(int fd, int level, int name, void *value, void *length)');

export interface ListeningSocket {
  readonly fd: number;
  readonly address: SocketAddress;
  readonly reusePort: boolean;
}

function size(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32LE(bytes);
  return length;
}

function isSet(fd: number, option: number): boolean {
  const value = Buffer.alloc(4);
  checked('getsockopt', getsockopt(fd, SOL_SOCKET, option, value, size(value.length)));
  return value.readInt32LE() !== 0;
}

/** Undefined: no socket, not listening, or of another family. */
export function listeningSocket(fd: number): ListeningSocket | undefined {
  try {
    if (!isSet(fd, SO_ACCEPTCONN)) return undefined;
    const [bytes, length] = [Buffer.alloc(ADDRESS_BYTES), size(ADDRESS_BYTES)];
    checked('getsockname', getsockname(fd, bytes, length));
    const address = decodeAddress(bytes.subarray(0, length.readInt32LE()));
    return address === undefined ? undefined : { fd, address, reusePort: isSet(fd, SO_REUSEPORT) };
  } catch {
    return undefined;
  }
}

/** Descriptors of a process that are sockets; none when it is gone. */
function socketsOf(pid: number | 'self'): number[] {
  const directory = `/proc/${pid}/fd`;
  const isSocket = (fd: number) => {
    try {
      return readlinkSync(`${directory}/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  };
  try {
    return readdirSync(directory)
      .map(Number)
      .filter(fd => fd >= FIRST_FD && isSocket(fd))
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

/**
 * Those that were open when this program was executed: whatever it opened itself is close-on-exec. From now on no program
 * of ours inherits them by accident.
 */
export function inheritedListeningSockets(): ListeningSocket[] {
  const inherited = socketsOf('self').filter(fd => !isCloseOnExec(fd));
  const found = inherited.flatMap(fd => listeningSocket(fd) ?? []);
  for (const { fd } of found) setCloseOnExec(fd, true);
  return found;
}

function copyListening(pidfd: number, fd: number): ListeningSocket | undefined {
  let copy: number;
  try {
    copy = pidfdGetFd(pidfd, fd);
  } catch {
    return undefined;
  }
  const found = listeningSocket(copy);
  // The same address in another network is another address.
  if (found !== undefined && isOfOurNetwork(copy)) return found;
  closeSync(copy);
  return undefined;
}

/** Copies of those of another process in our network: the very same sockets. None when it may not be looked into. */
export function copyListeningSockets(pid: number): ListeningSocket[] {
  const fds = socketsOf(pid);
  if (fds.length === 0) return [];
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch {
    return [];
  }
  try {
    return fds.flatMap(fd => copyListening(pidfd, fd) ?? []);
  } finally {
    closeSync(pidfd);
  }
}
