// Removes a directory that programs could write to, whatever they have made of it: links that change places with
// directories while we look, names that are no text, directories nested deeper than any path is long.
//
//   DIR/a/b/c…  ──▶  DIR/a and DIR/b/c… ──▶ …    what lies two levels down comes up, so that two open directories suffice
import { randomUUID } from 'node:crypto';
import { closeSync, constants } from 'node:fs';
import { readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { O_PATH, openAt, openPlace } from '@suite/shared/linux/openat2.ts';

/** Nobody nests deeper; somebody may go on writing. */
const ROUNDS_MAX = 100_000;
const NUL = Buffer.from('\0');

/** A name in an open directory: the way there cannot be exchanged any more, and the last step is never followed. */
function inside(directory: number, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), Buffer.from(name)]);
}

function openDirectory(directory: number, name: Buffer): number {
  const flags = O_PATH | constants.O_DIRECTORY;
  return openAt(directory, Buffer.concat([name, NUL]), { flags, resolve: ['beneath', 'noSymlinks'] });
}

async function entriesOf(directory: number): Promise<{ name: Buffer; isDirectory: boolean }[]> {
  const path = `/proc/self/fd/${directory}`;
  const found = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
  return found.map(entry => ({ name: entry.name, isDirectory: entry.isDirectory() }));
}

/** What the work needs may have gone or changed its kind meanwhile: the next look at the directory tells. */
async function unlessChanged(work: Promise<void>): Promise<void> {
  await work.catch((error: NodeJS.ErrnoException) => {
    if (!['ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ELOOP'].includes(error.code ?? '')) throw error;
  });
}

/** Its files go, its directories come up beside it, and then it goes itself. */
async function dissolve(top: number, name: Buffer): Promise<void> {
  const directory = openDirectory(top, name);
  try {
    for (const { name: inner, isDirectory } of await entriesOf(directory)) {
      const path = inside(directory, inner);
      await unlessChanged(isDirectory ? rename(path, inside(top, `.${randomUUID()}`)) : unlink(path));
    }
  } finally {
    closeSync(directory);
  }
  await unlessChanged(rmdir(inside(top, name)));
}

/** One round for each level of directories. */
async function empty(top: number): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = await entriesOf(top);
    if (found.length === 0) return;
    for (const { name, isDirectory } of found)
      await unlessChanged(isDirectory ? dissolve(top, name) : unlink(inside(top, name)));
  }
}

async function removeFrom(parent: number, path: string): Promise<void> {
  const directory = openDirectory(parent, Buffer.from(basename(path)));
  try {
    await empty(directory);
  } finally {
    closeSync(directory);
  }
  await rmdir(path);
}

/** Absent is fine; of a link in its place only the link goes. Nobody else may write to its parent. */
export async function removeTree(path: string): Promise<void> {
  let parent: number | undefined;
  try {
    parent = openPlace(dirname(path));
    await removeFrom(parent, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'ELOOP') await unlink(path);
    else if (code !== 'ENOENT') throw error;
  } finally {
    if (parent !== undefined) closeSync(parent);
  }
}
