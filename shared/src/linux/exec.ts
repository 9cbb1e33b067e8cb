import { setCloseOnExec, setNonBlocking } from './fd-flags.ts';
import { libc, systemError } from './native.ts';

const execve = libc('int execve(const char *path, const char **argv, const char **envp)');

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
  // libuv makes pipes on 0–2 non-blocking, which the next program would not expect.
  for (const fd of [0, 1, 2]) setNonBlocking(fd, false);
  for (const fd of [0, 1, 2, ...fds]) setCloseOnExec(fd, false);
  try {
    return become(path, argv, env);
  } finally {
    // Still here: what is started next must not inherit them.
    for (const fd of fds) setCloseOnExec(fd, true);
  }
}

function become(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): never {
  const { execve: native } = process as {
    execve?: (path: string, argv: readonly string[], env: object) => never;
  };
  if (native !== undefined) native.call(process, path, argv, { ...env });
  execve(path, [...argv, null], [...Object.entries(env).map(([name, value]) => `${name}=${value}`), null]);
  throw systemError('execve');
}
