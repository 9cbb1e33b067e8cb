// Without rules of its own a project says by .gitignore what is made and not written.
import { spawnSync } from 'node:child_process';

/** The paths that git does not ignore; all of them where there is no git or no repository. */
export function notIgnoredByGit(root: string, paths: readonly string[]): string[] {
  const { status, stdout } = spawnSync('git', ['check-ignore', '-z', '--stdin'], {
    cwd: root,
    input: paths.join('\0'),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (status !== 0) return [...paths];
  const ignored = new Set(stdout.split('\0'));
  return paths.filter(path => !ignored.has(path));
}
