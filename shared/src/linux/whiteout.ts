import { checked, libc } from './native.ts';

/** sys/stat.h */
const S_IFCHR = 0o020000;

const mknod = libc('int mknod(const uint8_t *path, unsigned int mode, ulong device)');

/** The mark of overlayfs for "this name is gone": a character device 0:0, which a user namespace may make too (Linux 5.8). */
export function makeWhiteout(path: Buffer): void {
  checked('mknod', mknod(Buffer.concat([path, Buffer.from([0])]), S_IFCHR, 0));
}
