import { closeSync } from 'node:fs';
import { createdBy, type Owner } from './fs-user.ts';
import { checked, libc } from './native.ts';
import { AF_INET6, inetAddress } from './socket-address.ts';
import {
  bind,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  setsockopt,
  socket,
} from './socket-calls.ts';

const SOCK_STREAM = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

const listen = libc('int listen(int fd, int backlog)');

interface ListenOptions {
  /** An IPv4 or IPv6 literal; `::` takes IPv4 connections too, whatever the host's default is. */
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly nonBlocking?: boolean;
  /** Whose socket it is to the kernel and its firewall; default: ours. */
  readonly owner?: Owner;
}

function setOption(fd: number, level: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  checked('setsockopt', setsockopt(fd, level, option, bytes, bytes.length));
}

/** A stream socket, close-on-exec; blocking unless asked otherwise. */
export function streamSocket(family: number, nonBlocking = false): number {
  return checked('socket', socket(family, SOCK_STREAM | SOCK_CLOEXEC | (nonBlocking ? SOCK_NONBLOCK : 0), 0));
}

export function bindSocket(fd: number, address: Buffer): void {
  checked('bind', bind(fd, address, address.length));
}

export function startListening(fd: number, backlog: number): void {
  checked('listen', listen(fd, backlog));
}

/** Runs `prepare` on a new descriptor, and closes that when it fails. */
export function orClose(fd: number, prepare: (fd: number) => void): number {
  try {
    prepare(fd);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * A listening TCP socket to hand to others: connections wait in it and nobody here accepts them (Node's `listen`
 * would). Blocking unless asked otherwise, close-on-exec. Throws with `code` (EADDRINUSE, EACCES, EADDRNOTAVAIL).
 */
export function listenSocket(options: ListenOptions): number {
  const { family, bytes } = inetAddress(options.host, options.port);
  const make = () => streamSocket(family, options.nonBlocking);
  return orClose(options.owner === undefined ? make() : createdBy(options.owner, make), fd => {
    if (options.reuseAddress) setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    bindSocket(fd, bytes);
    startListening(fd, options.backlog);
  });
}
