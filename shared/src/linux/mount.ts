import { closeSync, openSync } from 'node:fs';
import { checked, libc } from './native.ts';

/** uapi/linux/mount.h */
const FLAGS = {
  readonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  remount: 0x20,
  bind: 0x1000,
  recursive: 0x4000,
  private: 0x40000,
  slave: 0x80000,
} as const;

const MNT_DETACH = 2;
const CLONE_NEWNS = 0x20000;

type MountFlag = keyof typeof FLAGS;

interface MountRequest {
  readonly source: string;
  readonly target: string;
  /** `proc`, `tmpfs` …; absent for binds, remounts and changes of propagation. */
  readonly type?: string;
  readonly flags?: readonly MountFlag[];
  /** File system options, e.g. `size=64k,mode=755`. */
  readonly data?: string;
}

const mount2 = libc(
  'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
);
const umount2 = libc('int umount2(const char *target, int flags)');
const fchdir = libc('int fchdir(int fd)');
const unshare = libc('int unshare(int flags)');
const sethostname2 = libc('int sethostname(const char *name, size_t length)');

/** A read-only bind takes two calls (mount(2)): the bind, then a remount with `readonly`. */
export function mount(request: MountRequest): void {
  const flags = (request.flags ?? []).reduce((all, flag) => all | FLAGS[flag], 0);
  checked('mount', mount2(request.source, request.target, request.type ?? null, flags, request.data ?? null));
}

/** `detach`: gone from the tree at once, from the kernel when nobody uses it any more. */
export function umount(target: string, detach = false): void {
  checked('umount2', umount2(target, detach ? MNT_DETACH : 0));
}

/**
 * From here on the main thread and the processes it starts have mounts of their own, which go with the last of them, however it
 * ends; the host's later mounts still arrive. Only synchronous calls of `node:fs` are sure to see them: threads that libuv has
 * started before stay outside.
 */
export function privateMounts(): void {
  checked('unshare', unshare(CLONE_NEWNS));
  mount({ source: 'none', target: '/', flags: ['recursive', 'slave'] });
}

/** Of our uts namespace. */
export function sethostname(name: string): void {
  checked('sethostname', sethostname2(name, Buffer.byteLength(name)));
}

/** `work`, which must not wait for anything, with another current directory. */
export function inDirectory<T>(path: string, work: () => T): T {
  // Not process.cwd(): the directory may have been removed, and we must get back all the same.
  const home = openSync('.', 'r');
  try {
    process.chdir(path);
    return work();
  } finally {
    checked('fchdir', fchdir(home));
    closeSync(home);
  }
}
