import { checked, libc } from './native.ts';

const fsetxattr = libc('int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)');

/** Sets one extended attribute of an open file; throws with `code` (EPERM, ENOTSUP …). */
export function setXattr(fd: number, name: string, value: Buffer): void {
  checked('fsetxattr', fsetxattr(fd, name, value, value.length, 0));
}
