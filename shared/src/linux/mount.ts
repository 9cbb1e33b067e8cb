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

/** Of our uts namespace. */
export function sethostname(name: string): void {
  checked('sethostname', sethostname2(name, Buffer.byteLength(name)));
}
