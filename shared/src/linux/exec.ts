import { checked, libc, systemError } from './native.ts';

const F_GETFL = 3;
const F_SETFD = 2;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

const execve = libc('int execve(const char *path, const char **argv, const char **envp)');
const fcntl = libc('int fcntl(int fd, int command, ...)');

/** Lets a descriptor survive exec; Node opens all of its own close-on-exec. */
function keepOpen(fd: number): void {
  checked('fcntl', fcntl(fd, F_SETFD, 'int', 0));
}

/** libuv makes pipes on 0–2 non-blocking, which the next program would not expect. */
function makeBlocking(fd: number): void {
  const flags = checked('fcntl', fcntl(fd, F_GETFL));
  if (flags & O_NONBLOCK) checked('fcntl', fcntl(fd, F_SETFL, 'int', flags & ~O_NONBLOCK));
}

/**
 * Becomes another program: same pid, same parent and children, 0–2 and `fds` stay open. Nothing of this process is
 * run or flushed any more. `path` absolute, `argv` with the program's name first. Throws when the kernel refuses.
 */
export function execInPlace(
  path: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  fds: readonly number[] = [],
): never {
  for (const fd of [0, 1, 2]) makeBlocking(fd);
  for (const fd of [0, 1, 2, ...fds]) keepOpen(fd);
  const { execve: native } = process as {
    execve?: (path: string, argv: readonly string[], env: object) => never;
  };
  if (native !== undefined) native.call(process, path, argv, { ...env });
  execve(path, [...argv, null], [...Object.entries(env).map(([name, value]) => `${name}=${value}`), null]);
  throw systemError('execve');
}
