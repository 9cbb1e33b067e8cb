// Network namespaces. They belong to threads: everything here changes that of the main thread and changes it back before
// anything else can run.
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { checked, libc } from './native.ts';
import { AF_INET } from './socket-address.ts';
import { streamSocket } from './sockets.ts';

const CLONE_NEWNET = 0x40000000;
const OWN = '/proc/thread-self/ns/net';
/** uapi/linux/sockios.h and if.h: struct ifreq is 40 bytes, flags behind 16 bytes of name. */
const SIOCSIFFLAGS = 0x8914;
/** Opens the namespace of a socket; Linux 4.9 (socket(7)). */
const SIOCGSKNS = 0x894c;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_OFFSET = 16;
const IFF_UP = 0x1;

const unshare = libc('int unshare(int flags)');
const setns = libc('int setns(int fd, int type)');
const ioctl = libc('int ioctl(int fd, ulong request, ...)');

function andBack<T>(work: () => T): T {
  const home = openSync(OWN, 'r');
  try {
    return work();
  } finally {
    checked('setns', setns(home, CLONE_NEWNET));
    closeSync(home);
  }
}

/** A new namespace with everything down; it lives as long as the descriptor or a process in it. Close-on-exec. */
export function newNetwork(): number {
  return andBack(() => {
    checked('unshare', unshare(CLONE_NEWNET));
    return openSync(OWN, 'r');
  });
}

/**
 * Sockets `work` opens and processes it starts are in that namespace. It must not wait for anything: other code would
 * run there too.
 */
export function inNetwork<T>(fd: number, work: () => T): T {
  return andBack(() => {
    checked('setns', setns(fd, CLONE_NEWNET));
    return work();
  });
}

/** Sets the loopback interface of this thread's namespace up; the kernel gives it its addresses then. */
export function loopbackUp(): void {
  const fd = streamSocket(AF_INET);
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write('lo');
    request.writeInt16LE(IFF_UP, IFREQ_FLAGS_OFFSET);
    checked('ioctl', ioctl(fd, SIOCSIFFLAGS, 'void *', request));
  } finally {
    closeSync(fd);
  }
}

/** Whether a socket is of this thread's network; one whose network the kernel does not tell counts as such. */
export function isOfOurNetwork(socket: number): boolean {
  const network = ioctl(socket, SIOCGSKNS);
  if (network < 0) return true;
  try {
    return fstatSync(network).ino === statSync(OWN).ino;
  } finally {
    closeSync(network);
  }
}
