// Working trees out of mirrors.
import type { Checkout } from '../../core/steps/git-actions.ts';
import type { BuildContext } from '../build/context.ts';
import { mirrored } from './mirror.ts';
import type { Git } from './program.ts';

/** All files of a commit into `path` of the image, a directory that is there. What else is in it stays. */
export async function checkOut(
  context: BuildContext,
  git: Git,
  wanted: Checkout,
  path: string,
): Promise<void> {
  const { mirror, commit } = await mirrored(git, wanted);
  context.log.write(`${wanted.url} at ${commit}\n`);
  // An index of its own: two containers may check out of one mirror.
  const index = `${mirror}/index-${context.name}`;
  const tree = ['--git-dir', mirror, '--work-tree', git.inImage(path)];
  const env = { GIT_INDEX_FILE: index };
  await git.run([...tree, 'read-tree', '--reset', commit], env);
  await git.run([...tree, 'checkout-index', '--all', '--force', '--quiet'], env);
}
