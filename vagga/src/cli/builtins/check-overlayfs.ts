// `_check_overlayfs_support`: two layers and a place for changes, mounted and used (§4.4).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayView } from '../../adapters/layers/overlay.ts';
import { separateMounts } from '../../adapters/layers/show.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';
import { print } from './usage.ts';

/** Reads through both layers and writes on top; throws what went wrong. */
async function tryOverlay(directory: string): Promise<boolean> {
  const [low, high, root] = ['low', 'high', 'root'].map(name => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [low, high, root]) mkdirSync(path);
  for (const path of [low, high]) writeFileSync(join(path, 'both'), path);
  writeFileSync(join(low, 'only'), 'low');
  const view = new OverlayView();
  try {
    await view.open(root, [low, high], join(directory, 'place'), directory);
  } catch {
    return false;
  }
  try {
    writeFileSync(join(root, 'only'), 'changed');
    const read = (path: string) => readFileSync(path, 'utf8');
    const seen = [read(join(root, 'both')), read(join(root, 'only')), read(join(low, 'only'))];
    return seen.join() === [high, 'changed', 'low'].join();
  } finally {
    await view.close();
  }
}

export const checkOverlayfs = entry(
  {
    name: 'vagga _check_overlayfs_support',
    description: 'Say whether the kernel shows layers to us',
    options: [],
    positionals: [],
  },
  async ({ layout }) => {
    let directory: string | undefined;
    try {
      separateMounts();
      mkdirSync(layout.store, { recursive: true });
      directory = mkdtempSync(join(layout.store, '.overlay-check-'));
      const supported = await tryOverlay(directory);
      print(supported ? 'supported' : 'unsupported');
      return supported ? 0 : 1;
    } catch (error) {
      return say(2, (error as Error).message);
    } finally {
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    }
  },
);
