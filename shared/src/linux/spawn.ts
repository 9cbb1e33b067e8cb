import { getSystemErrorName } from 'node:util';
import { libc } from './native.ts';

/** At least sizeof(posix_spawnattr_t), posix_spawn_file_actions_t and sigset_t of glibc and musl (336, 80, 128). */
const STRUCTURE_BYTES = 512;
/** <spawn.h>: the sets of signals count. */
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const O_RDWR = 2;

const prepareActions = libc('int posix_spawn_file_actions_init(void *actions)');
const keep = libc('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
const open = libc(
  'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)',
);
const prepareAttributes = libc('int posix_spawnattr_init(void *attributes)');
const setFlags = libc('int posix_spawnattr_setflags(void *attributes, short flags)');
const setDefaults = libc('int posix_spawnattr_setsigdefault(void *attributes, const void *signals)');
const setMask = libc('int posix_spawnattr_setsigmask(void *attributes, const void *signals)');
const spawnp = libc(
  'int posix_spawnp(int *pid, const char *file, const void *actions, const void *attributes, const char **argv, const char **envp)',
);

/** What becomes of descriptor 0, 1 and 2: ours, or nothing. */
export type Descriptors = readonly [Descriptor, Descriptor, Descriptor];
type Descriptor = 'inherit' | 'ignore';

/** Node has made ours close-on-exec; a copy onto itself is not. */
function actionsFor(descriptors: Descriptors): Buffer {
  const actions = Buffer.alloc(STRUCTURE_BYTES);
  prepareActions(actions);
  for (const [fd, descriptor] of descriptors.entries())
    descriptor === 'inherit' ? keep(actions, fd, fd) : open(actions, fd, '/dev/null', O_RDWR, 0);
  return actions;
}

/** As libuv does: no signal is ignored (Node ignores SIGPIPE) and none blocked. */
function attributes(): Buffer {
  const [made, none] = [Buffer.alloc(STRUCTURE_BYTES), Buffer.alloc(STRUCTURE_BYTES)];
  const all = Buffer.alloc(STRUCTURE_BYTES, 0xff);
  prepareAttributes(made);
  setFlags(made, SETSIGDEF | SETSIGMASK);
  setDefaults(made, all);
  setMask(made, none);
  return made;
}

/**
 * posix_spawnp(3): a program with our environment as a child that we wait for ourselves (`waitFor`). `node:child_process` takes 2 ms
 * to load, and its first start 1 ms more than this one, because libuv forks.
 */
export function spawnProgram(
  argv: readonly string[],
  descriptors: Descriptors,
): { readonly pid: number } | { readonly error: string } {
  const [file = ''] = argv;
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const pid = Buffer.alloc(4);
  const [actions, attr] = [actionsFor(descriptors), attributes()];
  const errno = spawnp(pid, file, actions, attr, [...argv, null], [...environment, null]);
  return errno === 0 ? { pid: pid.readInt32LE(0) } : { error: `spawn ${file} ${getSystemErrorName(-errno)}` };
}
