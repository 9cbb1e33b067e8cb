// Mirrors of repositories in the cache. A mirror follows all branches and tags and has no tree or HEAD of its own, so what one
// container checks out is nothing to another.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Checkout } from '../../core/steps/git-actions.ts';
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

/** Of the cache: nobody else may change the mirror meanwhile. */
export function mirrorLock(url: string): string {
  return `git-${createHash('sha256').update(url).digest('hex').slice(0, 8)}`;
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

/** The mirror as git sees it, and the wanted commit, which is in it now. */
export async function mirrored(git: Git, wanted: Checkout): Promise<{ mirror: string; commit: string }> {
  const mirror = `${git.cache}/${mirrorName(wanted.url)}`;
  await git.run(['init', '--quiet', '--bare', '--template=', '--', mirror]);
  return { mirror, commit: await updated(git, mirror, reachable(git, wanted.url), wanted) };
}
