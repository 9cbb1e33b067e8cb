// Putting a finished build in its place, and which version is the current one.
import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { markUnflushed } from '../storage/flush-marks.ts';
import { removeTree } from '../storage/remove-tree.ts';
import { temporaryFor } from '../storage/temporary.ts';
import type { Layout } from './layout.ts';
import { currentVersion, isCurrent } from './store.ts';

/** Puts a finished build in its place; an older one of the same version is deleted afterwards. `slot`: see `Layout.temporary`. */
export async function install(layout: Layout, slot: string, name: string, hash: string): Promise<void> {
  const temporary = layout.temporary(slot);
  const place = layout.image(name, hash);
  const old = `${temporary}.old`;
  // Of an installation that was killed between its two renames and its end.
  await removeTree(old);
  writeFileSync(join(temporary, 'last_use'), '');
  markUnflushed(temporary);
  try {
    renameSync(place, old);
  } catch {
    // The usual case: this version was never built before.
  }
  renameSync(temporary, place);
  await removeTree(old);
}

/** Replaces a symlink at once, so that a reader always finds one. */
function pointTo(link: string, target: string): void {
  const temporary = temporaryFor(link);
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}

/** First under another name, so that nobody takes a half removed one for a version. */
async function removeVersion(image: string): Promise<void> {
  const going = join(dirname(image), `.tmp${basename(image)}`);
  await removeTree(going);
  try {
    renameSync(image, going);
  } catch {
    // Somebody has removed it already.
  }
  await removeTree(going);
}

/** With `autoClean` the version that was current before goes when another becomes it. */
export async function makeCurrent(
  layout: Layout,
  name: string,
  hash: string,
  autoClean: boolean,
): Promise<void> {
  if (isCurrent(layout, name, hash)) return;
  const before = currentVersion(layout, name);
  pointTo(layout.link(name), layout.linkTarget(name, hash));
  if (autoClean && before !== undefined) await removeVersion(layout.image(name, before));
}
