import { closeSync } from 'node:fs';
import { checked, libc } from './native.ts';

/** Of every architecture: openat2 came after system calls got common numbers. */
const SYS_OPENAT2 = 437;
const syscall = libc(
  'long syscall(long number, int directory, const char *path, const void *how, ulong size)',
);
const open = libc('int open(const char *path, int flags)');

/** uapi/asm-generic/fcntl.h; O_DIRECTORY differs on arm64, and Node knows it. */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** uapi/linux/openat2.h */
const RESOLVE = {
  /** No link of /proc that names an open file. */
  noMagicLinks: 0x2,
  noSymlinks: 0x4,
  /** `..` and links may not leave the directory, not even to come back. */
  beneath: 0x8,
  /** As after chroot: `/` and `..` end at the directory. */
  inRoot: 0x10,
} as const;

export type Resolve = keyof typeof RESOLVE;

export interface OpenRequest {
  readonly flags: number;
  /** Of a file that is made. */
  readonly mode?: number;
  readonly resolve: readonly Resolve[];
}

/**
 * Opens `path` (a string, or bytes that end with NUL) as seen from the open directory; the kernel itself keeps the look-up inside, so nobody can exchange a
 * component in between. Close-on-exec. Throws with `code` (EXDEV, ELOOP: a link would have led out; ENOENT …).
 */
export function openAt(directory: number, path: string | Buffer, request: OpenRequest): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(request.flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(request.mode ?? 0), 8);
  how.writeBigUInt64LE(BigInt(request.resolve.reduce((all, name) => all | RESOLVE[name], 0)), 16);
  return checked('openat2', syscall(SYS_OPENAT2, directory, path, how, how.length));
}

/** Only a place to look up from or compare with: nothing can be read or written through it. */
export function openPlace(path: string): number {
  return checked('open', open(path, O_PATH | O_CLOEXEC));
}

/** For a `finally`: what is closed already must not hide the first error. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed before.
  }
}
