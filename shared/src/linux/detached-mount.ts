import { closeSync } from 'node:fs';
import { checked, libc } from './native.ts';

/** Of every architecture: they came after system calls got common numbers. */
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433 } as const;
/** uapi/linux/mount.h */
const CLOEXEC = 1;
const COMMAND = { setFlag: 0, setString: 1, create: 6, reconfigure: 7 } as const;
/** fcntl.h: paths that do not begin with / start at the working directory. */
const AT_FDCWD = -100;

const fsopen = libc('long syscall(long number, const char *type, uint flags)');
const fsconfig = libc(
  'long syscall(long number, int fd, uint command, const char *key, const char *value, int aux)',
);
const fsmount = libc('long syscall(long number, int fd, uint flags, uint attributes)');

const fspick = libc('long syscall(long number, int directory, const char *path, uint flags)');

/** A string is the value of an option, `true` an option without one, e.g. `{none: true, name: 'x'}`. */
type MountOptions = Readonly<Record<string, string | true>>;

function configure(context: number, options: MountOptions, end: 'create' | 'reconfigure'): void {
  for (const [key, value] of Object.entries(options)) {
    const [command, text] = value === true ? [COMMAND.setFlag, null] : [COMMAND.setString, value];
    checked(`fsconfig ${key}`, fsconfig(SYS.fsconfig, context, command, key, text, 0));
  }
  checked('fsconfig', fsconfig(SYS.fsconfig, context, COMMAND[end], null, null, 0));
}

/**
 * A file system mounted in no directory: nobody sees it in a list of mounts, and it goes with its descriptor, however the process
 * ends. Returns the descriptor, close-on-exec. Throws with `code` (EPERM; EINVAL: the kernel does not know an option).
 */
export function detachedMount(type: string, options: MountOptions): number {
  const context = checked('fsopen', fsopen(SYS.fsopen, type, CLOEXEC));
  try {
    configure(context, options, 'create');
    return checked('fsmount', fsmount(SYS.fsmount, context, CLOEXEC, 0));
  } finally {
    closeSync(context);
  }
}

/**
 * Gives a mounted file system these options, wherever else it is mounted too. Whether it keeps those that are not named is its own
 * affair: cgroup2 does not. `path`: its mount point. Throws with `code`.
 */
export function reconfigureMount(path: string, options: MountOptions): void {
  const context = checked('fspick', fspick(SYS.fspick, AT_FDCWD, path, CLOEXEC));
  try {
    configure(context, options, 'reconfigure');
  } finally {
    closeSync(context);
  }
}
