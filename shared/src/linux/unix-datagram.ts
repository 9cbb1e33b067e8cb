// Datagrams over unix sockets (sd_notify, /dev/log), for which Node has nothing.
import { closeSync, openSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { checked, libc, systemError } from './native.ts';
import { AF_UNIX, unixAddress } from './socket-address.ts';
import { bind, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_NONBLOCK, socket } from './socket-calls.ts';

const SOCK_DGRAM = 2;
const MSG_TRUNC = 0x20;

const sendto = libc(
  'long sendto(int fd, const void *data, long size, int flags, const void *address, int length)',
);
const recv = libc('long recv(int fd, void *data, long size, int flags)');

/** A socket to send from: unbound, non-blocking, close-on-exec. `closeSync` ends it. */
export function openDatagram(): number {
  return checked('socket', socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/**
 * Sends one message, never waiting. Throws with `code`: EAGAIN (the receiver's queue is full), ENOENT or ECONNREFUSED
 * (nobody listens), EMSGSIZE, ENAMETOOLONG.
 */
export function sendDatagram(fd: number, path: string, data: Uint8Array): void {
  const to = unixAddress(path);
  checked('sendto', sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, to, to.length));
}

/**
 * A socket that receives at `path`, non-blocking, close-on-exec; what had that path before is removed. Its directory may be
 * as deep as it likes: the kernel's limit on socket paths is met with the directory's descriptor.
 */
export function bindDatagram(path: string): number {
  const fd = openDatagram();
  try {
    const directory = openSync(dirname(path), 'r');
    try {
      rmSync(path, { force: true });
      const at = unixAddress(`/proc/self/fd/${directory}/${basename(path)}`);
      checked('bind', bind(fd, at, at.length));
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** The next message in `into`. Returns its whole length, more than `into` holds when it was cut; undefined: none is there. */
export function receiveDatagram(fd: number, into: Uint8Array): number | undefined {
  const size = Number(recv(fd, into, into.length, MSG_DONTWAIT | MSG_TRUNC));
  if (size >= 0) return size;
  const error = systemError('recv');
  if (error.code === 'EAGAIN') return undefined;
  throw error;
}
