// The end of building a data container: only its data directories stay.
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import type { BuildAction } from '../../core/steps/state.ts';
import type { BuildContext } from './context.ts';

/** `path`: below the root, '' the root itself; one character per byte. */
function prune(root: string, path: string, kept: readonly string[]): void {
  if (kept.includes(path)) return;
  const leadsToOne = kept.some(one => one.startsWith(`${path}/`));
  const here = Buffer.from(root + path, 'latin1');
  if (!leadsToOne || !lstatSync(here).isDirectory()) {
    rmSync(here, { recursive: true, force: true });
    return;
  }
  for (const name of readdirSync(here, { encoding: 'latin1' })) prune(root, `${path}/${name}`, kept);
}

export function keepOnly(
  { root }: BuildContext,
  { paths }: Extract<BuildAction, { kind: 'keep-only' }>,
): undefined {
  const latin = (text: string) => Buffer.from(text).toString('latin1');
  const parts = (path: string) => path.split('/').filter(part => part !== '' && part !== '.');
  prune(
    latin(root),
    '',
    paths.map(path =>
      latin(
        parts(path)
          .map(part => `/${part}`)
          .join(''),
      ),
    ),
  );
}
