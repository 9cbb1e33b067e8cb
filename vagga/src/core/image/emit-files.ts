// `!Copy`, `!Depends` and what else counts through trees of files.
import { copiedMode } from './copied-mode.ts';
import { type Emit, type Fields, fields, type HashWorld } from './emit.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import { isProjectPath } from './project-path.ts';
import { type Filter, filterProblem, selectTree, type TreeEntry } from './tree.ts';

export function selected(world: HashWorld, source: string, filter: Filter): TreeEntry[] {
  const problem = filterProblem(filter);
  if (problem !== undefined) throw new NotHashable('failed', problem);
  const entries = selectTree(world.tree, source, filter);
  if (entries === undefined) throw new NotHashable('not-ready', `${source} does not exist yet`);
  return entries;
}

export function content(out: FieldWriter, world: HashWorld, entry: TreeEntry): void {
  if (entry.stat.kind === 'file') out.file(entry.path, world.tree.pieces(entry.path));
  else if (entry.stat.kind === 'symlink') out.path('symlink', world.tree.readLink(entry.path));
}

function copiedEntries(out: FieldWriter, step: Fields & Filter, world: HashWorld): void {
  const { source, umask, preservePermissions } = step;
  for (const entry of selected(world, source as string, step)) {
    out.path('filename', entry.path);
    if (entry.stat.kind !== 'symlink')
      out.field('mode', copiedMode(entry.stat, umask as number, preservePermissions === true));
    out.field('uid', (step.ownerUid as number | undefined) ?? entry.stat.uid);
    out.field('gid', (step.ownerGid as number | undefined) ?? entry.stat.gid);
    content(out, world, entry);
  }
}

export const copy: Emit = (out, value, world) => {
  const step = value as Fields & Filter;
  if (isProjectPath(step.source as string)) {
    copiedEntries(out, step, world);
    out.path('path', step.path as string);
  } else {
    fields('source/', 'path/', 'preservePermissions')(out, value, world);
    if (step.preservePermissions !== true) fields('ownerUid?', 'ownerGid?', 'umask')(out, value, world);
  }
  if (step.preserveTimes === true) out.field('preserve_times', true);
};

/** Names, what can be executed, contents: all that a build can notice of files that it only reads. */
export function readEntries(out: FieldWriter, world: HashWorld, source: string, filter: Filter): void {
  for (const entry of selected(world, source, filter)) {
    out.path('filename', entry.path);
    if (entry.stat.kind === 'file') out.field('is_executable', (entry.stat.mode & 0o100) !== 0);
    content(out, world, entry);
  }
}

export const depends: Emit = (out, value, world) => {
  const step = value as Fields & Filter;
  readEntries(out, world, `/work/${step.path as string}`, step);
};
