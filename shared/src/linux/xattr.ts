// Extended attributes, which Node has no calls for. Of the entry itself: a symlink is not followed. Paths are bytes, because
// file names need not be UTF-8.
import { checked, libc } from './native.ts';

/** xattr(7): VFS limits. */
const LIST_BYTES_MAX = 65_536;
const VALUE_BYTES_MAX = 65_536;

const llistxattr = libc('int64_t llistxattr(const uint8_t *path, uint8_t *list, size_t size)');
const lgetxattr = libc(
  'int64_t lgetxattr(const uint8_t *path, const char *name, uint8_t *value, size_t size)',
);
const lsetxattr = libc(
  'int lsetxattr(const uint8_t *path, const char *name, const uint8_t *value, size_t size, int flags)',
);

const terminated = (path: Buffer): Buffer => Buffer.concat([path, Buffer.from([0])]);
/** What "there is none" looks like: no such attribute, or a file system without any. */
const ABSENT = new Set(['ENODATA', 'ENOTSUP', 'EOPNOTSUPP']);

function unlessAbsent<T>(otherwise: T, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}

const listBuffer = Buffer.alloc(LIST_BYTES_MAX);
const valueBuffer = Buffer.alloc(VALUE_BYTES_MAX);

/** Names, without those that this process may not see. */
export function listXattrs(path: Buffer): string[] {
  return unlessAbsent([], () => {
    const length = checked('llistxattr', llistxattr(terminated(path), listBuffer, LIST_BYTES_MAX));
    return listBuffer.toString('utf8', 0, length).split('\0').filter(Boolean);
  });
}

export function getXattr(path: Buffer, name: string): Buffer | undefined {
  return unlessAbsent(undefined, () => {
    const length = checked('lgetxattr', lgetxattr(terminated(path), name, valueBuffer, VALUE_BYTES_MAX));
    return Buffer.from(valueBuffer.subarray(0, length));
  });
}

export function setPathXattr(path: Buffer, name: string, value: Buffer): void {
  checked('lsetxattr', lsetxattr(terminated(path), name, value, value.length, 0));
}

const fsetxattr = libc('int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)');

/** Sets one extended attribute of an open file; throws with `code` (EPERM, ENOTSUP …). */
export function setXattr(fd: number, name: string, value: Buffer): void {
  checked('fsetxattr', fsetxattr(fd, name, value, value.length, 0));
}
