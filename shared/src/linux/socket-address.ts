// The kernel's socket addresses as bytes: struct sockaddr_in, sockaddr_in6 (netinet/in.h) and sockaddr_un (sys/un.h).
import { isIP } from 'node:net';
import { endianness } from 'node:os';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

const IN_BYTES = 16;
const IN6_BYTES = 28;
const UN_PATH_OFFSET = 2;
/** sun_path with its closing NUL. */
const UN_PATH_BYTES = 108;

export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** As bound, which may be through another name of the directory. Empty: not bound to a file. */
  | { readonly kind: 'unix'; readonly path: string };

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

/** Family in host order; everything behind it is in network order. */
function withFamily(family: number, bytes: number): Buffer {
  const address = Buffer.alloc(bytes);
  if (endianness() === 'LE') address.writeUInt16LE(family, 0);
  else address.writeUInt16BE(family, 0);
  return address;
}

/** Throws a TypeError when `host` is no IP literal. */
export function inetAddress(host: string, port: number): { family: number; bytes: Buffer } {
  const version = isIP(host);
  if (version === 0) throw new TypeError(`${host} is not an IP address`);
  const family = version === 6 ? AF_INET6 : AF_INET;
  const bytes = withFamily(family, version === 6 ? IN6_BYTES : IN_BYTES);
  bytes.writeUInt16BE(port, 2);
  if (version === 6) ipv6Bytes(host).copy(bytes, 8);
  else Buffer.from(host.split('.').map(Number)).copy(bytes, 4);
  return { family, bytes };
}

/** Throws with `code` ENAMETOOLONG when the path does not fit: the kernel would cut it silently. */
export function unixAddress(path: string): Buffer {
  const text = Buffer.from(path);
  if (text.length >= UN_PATH_BYTES)
    throw Object.assign(new Error(`${path}: longer than ${UN_PATH_BYTES - 1} bytes`), {
      code: 'ENAMETOOLONG',
    });
  const address = withFamily(AF_UNIX, UN_PATH_OFFSET + text.length + 1);
  text.copy(address, UN_PATH_OFFSET);
  return address;
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** 4 or 16 bytes in network order, as people write them. */
export function addressText(bytes: Buffer): string {
  return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
}

/** Undefined: another family. */
export function decodeAddress(bytes: Buffer): SocketAddress | undefined {
  const family = endianness() === 'LE' ? bytes.readUInt16LE(0) : bytes.readUInt16BE(0);
  if (family === AF_INET)
    return { kind: 'tcp', host: bytes.subarray(4, 8).join('.'), port: bytes.readUInt16BE(2) };
  if (family === AF_INET6)
    return { kind: 'tcp', host: ipv6Text(bytes.subarray(8, 24)), port: bytes.readUInt16BE(2) };
  if (family !== AF_UNIX) return undefined;
  const path = bytes.subarray(UN_PATH_OFFSET);
  const end = path.indexOf(0);
  return { kind: 'unix', path: path.toString('utf8', 0, end < 0 ? path.length : end) };
}
