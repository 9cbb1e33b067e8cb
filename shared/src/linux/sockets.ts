import { closeSync } from 'node:fs';
import { isIP } from 'node:net';
import { endianness } from 'node:os';
import { checked, libc } from './native.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;

const socket = libc('int socket(int family, int type, int protocol)');
const bind = libc('int bind(int fd, const void *address, int length)');
const listen = libc('int listen(int fd, int backlog)');
const setsockopt = libc('int setsockopt(int fd, int level, int name, const void *value, int length)');

interface ListenOptions {
  /** An IPv4 or IPv6 literal. */
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly nonBlocking?: boolean;
}

/** `::ffff` groups of an IPv6 literal; the URL parser knows every way to write one. */
function ipv6Bytes(host: string): Buffer {
  const [left = '', right] = new URL(`http://[${host}]/`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => text.split(':').filter(group => group !== '');
  const [head, tail] = [groups(left), groups(right ?? '')];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...head, ...zeros, ...tail].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  }
  return bytes;
}

/** struct sockaddr_in, sockaddr_in6 (netinet/in.h): family in host order, port and address in network order. */
function socketAddress(family: number, host: string, port: number): Buffer {
  const address = Buffer.alloc(family === AF_INET6 ? 28 : 16);
  if (endianness() === 'LE') address.writeUInt16LE(family, 0);
  else address.writeUInt16BE(family, 0);
  address.writeUInt16BE(port, 2);
  if (family === AF_INET6) ipv6Bytes(host).copy(address, 8);
  else Buffer.from(host.split('.').map(Number)).copy(address, 4);
  return address;
}

function turnOn(fd: number, option: number): void {
  const one = Buffer.alloc(4);
  one.writeInt32LE(1);
  checked('setsockopt', setsockopt(fd, SOL_SOCKET, option, one, one.length));
}

function prepare(fd: number, family: number, options: ListenOptions): void {
  if (options.reuseAddress) turnOn(fd, SO_REUSEADDR);
  if (options.reusePort) turnOn(fd, SO_REUSEPORT);
  const address = socketAddress(family, options.host, options.port);
  checked('bind', bind(fd, address, address.length));
  checked('listen', listen(fd, options.backlog));
}

/**
 * A listening TCP socket to hand to others: connections wait in it and nobody here accepts them (Node's `listen`
 * would). Blocking unless asked otherwise, close-on-exec. Throws with `code` (EADDRINUSE, EACCES, EADDRNOTAVAIL).
 */
export function listenSocket(options: ListenOptions): number {
  const version = isIP(options.host);
  if (version === 0) throw new TypeError(`${options.host} is not an IP address`);
  const family = version === 6 ? AF_INET6 : AF_INET;
  const type = SOCK_STREAM | SOCK_CLOEXEC | (options.nonBlocking ? SOCK_NONBLOCK : 0);
  const fd = checked('socket', socket(family, type, 0));
  try {
    prepare(fd, family, options);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}
