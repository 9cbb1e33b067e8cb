// The tools of the capsule: one static program of the host under many names.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';

const PLACES = [
  '/bin/busybox',
  '/usr/bin/busybox',
  '/usr/local/bin/busybox',
  '/usr/lib/busybox/busybox.static',
];

/** ELF: type of a program header that names a dynamic loader. */
const PT_INTERP = 3;
/** 64-bit little-endian header and as many program headers as a sane program has. */
const HEADER_BYTES = 64 + 56 * 40;

/** Would it start where there is no loader and no library? 64-bit little-endian ELF only. */
function isStatic(path: string): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  const fd = openSync(path, 'r');
  const length = readSync(fd, header, 0, HEADER_BYTES, 0);
  closeSync(fd);
  if (length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1)
    return false;
  const start = Number(header.readBigUInt64LE(32));
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  if (start + size * count > length) return false;
  return Array.from({ length: count }, (_, index) => header.readUInt32LE(start + size * index)).every(
    type => type !== PT_INTERP,
  );
}

export interface Busybox {
  readonly path: string;
  /** Changes with the program. */
  readonly key: string;
}

/** Undefined: the host has no static BusyBox. */
export function findBusybox(places: readonly string[] = PLACES): Busybox | undefined {
  for (const path of places) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && isStatic(path)) return { path, key: `${stat.size}-${Math.trunc(stat.mtimeMs)}` };
  }
  return undefined;
}

/** Names of the tools in it. */
export function applets({ path }: Busybox): string[] {
  const { stdout, status } = spawnSync(path, ['--list'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${path} --list ended with ${status}`);
  return stdout.split('\n').filter(name => name !== '' && !name.includes('/'));
}
