// Executors of `!Git`, `!GitInstall`, `!GitDescribe`.
import { lstatSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isProjectPath } from '../../core/image/project-path.ts';
import type { Checkout, GitAction } from '../../core/steps/git-actions.ts';
import { checkOut } from '../git/checkout.ts';
import { mirrorLock, mirrorName } from '../git/mirror.ts';
import { gitOf } from '../git/program.ts';
import type { BuildContext } from './context.ts';
import { fileInRoot, inRoot, makeDirectories } from './in-root.ts';
import { runInImage } from './run-step.ts';

type Of<K extends GitAction['kind']> = Extract<GitAction, { kind: K }>;
type Environment = Readonly<Record<string, string>>;

async function checkedOut(context: BuildContext, checkout: Checkout, path: string, env: Environment) {
  makeDirectories(context.root, path, 0o755);
  const git = gitOf(context, env);
  return await context.locked(mirrorLock(checkout.url), async () => {
    await checkOut(context, git, checkout, path);
    return undefined;
  });
}

export function gitCheckout(context: BuildContext, action: Of<'git-checkout'>): Promise<string | undefined> {
  return checkedOut(context, action, action.path, {});
}

export async function gitInstall(
  context: BuildContext,
  action: Of<'git-install'>,
): Promise<string | undefined> {
  const { env, caches, script, subdir } = action;
  const home = `/tmp/${mirrorName(action.url)}`;
  const failed = await checkedOut(context, action, home, env);
  if (failed !== undefined) return failed;
  const cwd = join(home, subdir);
  return await runInImage(context, { kind: 'run', argv: ['/bin/sh', '-exc', script], env, caches, cwd });
}

/** Of the project or of a repository in the image. */
function repositoryOf(context: BuildContext, path: string): string {
  return isProjectPath(path)
    ? inRoot(context.layout.root, path.slice('/work'.length))
    : inRoot(context.root, path);
}

export async function gitDescribe(context: BuildContext, action: Of<'git-describe'>): Promise<undefined> {
  const { repo, pattern, outputFile } = action;
  const git = gitOf(context, {});
  const match = pattern === undefined ? [] : ['--match', pattern];
  const text = await git.run(['-C', repositoryOf(context, repo), 'describe', ...match]);
  if (outputFile === undefined) return;
  const target = fileInRoot(context.root, outputFile);
  if (!lstatSync(dirname(target), { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${dirname(outputFile)} does not exist in the image: create it with !EnsureDir`);
  }
  writeFileSync(target, text);
}
