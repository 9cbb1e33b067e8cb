// Working trees out of mirrors in the cache. A mirror follows all branches and tags of its repository and has no tree or
// HEAD of its own, so what one container checks out is nothing to another.
import { join } from 'node:path';
import type { Checkout } from '../../core/steps/git-actions.ts';
import type { BuildContext } from '../build/context.ts';
import type { Git } from './program.ts';

/** Kept outside of refs/heads: the branch that a clone would start from. */
const DEFAULT_BRANCH = 'refs/vagga/default';
/** Branches that are gone go here too; of the default branch nothing else is needed. */
const ALL = ['--prune', '--no-tags'];
const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
const COMMIT = /^[0-9a-f]{40}$/;

/** Name of a mirror in the cache, as upstream wrote it. */
export function mirrorName(url: string): string {
  return url.replaceAll('%', '%25').replaceAll('/', '%2F');
}

/** Repositories of the project are named by their place in a container. */
function reachable(git: Git, url: string): string {
  const path = url.replace(/^file:\/\//, '');
  return path === '/work' || path.startsWith('/work/') ? join(git.project, path.slice('/work'.length)) : url;
}

/** The commit that `name` means in the mirror. */
async function commitOf(git: Git, mirror: string, name: string): Promise<string | undefined> {
  try {
    const words = ['--git-dir', mirror, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`];
    return await git.run(words);
  } catch {
    return undefined;
  }
}

function nameOf({ revision, branch }: Checkout): string {
  if (revision !== undefined) return revision;
  return branch === undefined ? DEFAULT_BRANCH : `refs/heads/${branch}`;
}

/** Up to date afterwards; a full commit id that is there already needs no server. */
async function updated(git: Git, mirror: string, url: string, wanted: Checkout): Promise<string> {
  const name = nameOf(wanted);
  const known = COMMIT.test(name) ? await commitOf(git, mirror, name) : undefined;
  if (known !== undefined) return known;
  const fetch = ['--git-dir', mirror, 'fetch', '--quiet', '--force'];
  if (name === DEFAULT_BRANCH) await git.run([...fetch, '--no-tags', '--', url, `+HEAD:${DEFAULT_BRANCH}`]);
  else await git.run([...fetch, ...ALL, '--', url, ...REFSPECS]);
  const found = await commitOf(git, mirror, name);
  if (found !== undefined) return found;
  if (COMMIT.test(name)) {
    // Commits that no branch holds any more: many servers still give them.
    await git.run(['--git-dir', mirror, 'fetch', '--quiet', '--', url, name]);
    return name;
  }
  const what = wanted.revision === undefined ? 'branch' : 'revision';
  throw new Error(`${what} "${wanted.revision ?? wanted.branch ?? 'HEAD'}" is not in ${wanted.url}`);
}

/** All files of a commit into `path` of the image, a directory that is there. What else is in it stays. */
export async function checkOut(
  context: BuildContext,
  git: Git,
  wanted: Checkout,
  path: string,
): Promise<void> {
  const mirror = `${git.cache}/${mirrorName(wanted.url)}`;
  await git.run(['init', '--quiet', '--bare', '--template=', '--', mirror]);
  const commit = await updated(git, mirror, reachable(git, wanted.url), wanted);
  context.log.write(`${wanted.url} at ${commit}\n`);
  // An index of its own: two containers may check out of one mirror.
  const index = `${mirror}/index-${context.name}`;
  const tree = ['--git-dir', mirror, '--work-tree', git.inImage(path)];
  const env = { GIT_INDEX_FILE: index };
  await git.run([...tree, 'read-tree', '--reset', commit], env);
  await git.run([...tree, 'checkout-index', '--all', '--force', '--quiet'], env);
}
