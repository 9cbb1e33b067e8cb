// Datagrams over unix sockets (sd_notify, /dev/log), for which Node has nothing.
import { closeSync, openSync, rmSync } from 'node:fs';
import { endianness } from 'node:os';
import { basename, dirname } from 'node:path';
import { checked, libc, systemError } from './native.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_TRUNC = 0x20;
/** sun_path with its final NUL (sys/un.h). */
const PATH_BYTES = 108;
const FAMILY_BYTES = 2;

const socket = libc('int socket(int family, int type, int protocol)');
const bind = libc('int bind(int fd, const void *address, int length)');
const sendto = libc(
  'long sendto(int fd, const void *data, long size, int flags, const void *address, int length)',
);
const recv = libc('long recv(int fd, void *data, long size, int flags)');

/** struct sockaddr_un. Throws ENAMETOOLONG, because the kernel would cut the path silently. */
function address(path: string): Buffer {
  const text = Buffer.from(path);
  if (text.length >= PATH_BYTES)
    throw Object.assign(new Error(`socket path ${path} is too long`), { code: 'ENAMETOOLONG' });
  const bytes = Buffer.alloc(FAMILY_BYTES + text.length + 1);
  if (endianness() === 'LE') bytes.writeUInt16LE(AF_UNIX, 0);
  else bytes.writeUInt16BE(AF_UNIX, 0);
  text.copy(bytes, FAMILY_BYTES);
  return bytes;
}

/** A socket to send from: unbound, non-blocking, close-on-exec. `closeSync` ends it. */
export function openDatagram(): number {
  return checked('socket', socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/**
 * Sends one message, never waiting. Throws with `code`: EAGAIN (the receiver's queue is full), ENOENT or ECONNREFUSED
 * (nobody listens), EMSGSIZE, ENAMETOOLONG.
 */
export function sendDatagram(fd: number, path: string, data: Uint8Array): void {
  const to = address(path);
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
      const at = address(`/proc/self/fd/${directory}/${basename(path)}`);
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
