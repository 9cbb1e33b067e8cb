// `_update_symlinks`: commands with a `symlink-name` become programs of that name (§4.6).
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryFor } from '../../adapters/storage/temporary.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { say, warn } from '../session.ts';
import { entry } from './registry.ts';

/** Replaces a symlink at once; whatever else has that name is somebody's file and stays. */
function link(directory: string, name: string, target: string): boolean {
  const path = join(directory, name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSymbolicLink()) {
    warn(`${path} is no symlink and stays as it is`);
    return false;
  }
  const temporary = temporaryFor(path);
  symlinkSync(target, temporary);
  renameSync(temporary, path);
  return true;
}

/** Names that no command has any more. Only links to vagga itself are ours to remove. */
function removeOld(directory: string, names: readonly string[], target: string): void {
  for (const name of readdirSync(directory).filter(entry => !names.includes(entry))) {
    const path = join(directory, name);
    if (lstatSync(path).isSymbolicLink() && readlinkSync(path) === target) unlinkSync(path);
  }
}

export const updateSymlinks = entry(
  {
    name: 'vagga _update_symlinks',
    description: 'Make symlinks for the commands that have a symlink-name',
    options: [
      flag('local', ['--local-only'], 'Only in .vagga/.cmd of the project'),
      flag('user', ['--user-only'], 'Only in ~/.vagga/cmd'),
    ],
    positionals: [],
  },
  ({ cache, layout }, { given }) => {
    const commands = Object.values(cache.project.commands);
    const names = commands.flatMap(({ symlinkName }) => symlinkName ?? []);
    const bad = names.find(name => name.includes('/') || name === '.' || name === '..' || name === '');
    if (bad !== undefined) return say(121, `symlink-name ${JSON.stringify(bad)} is not a file name`);
    const target = realpathSync(process.argv[1] as string);
    const home = process.env.HOME;
    const local = join(layout.base, '.cmd');
    const user = home === undefined ? [] : [join(home, '.vagga/cmd')];
    const wanted = [...(has(given, 'user') ? [] : [local]), ...(has(given, 'local') ? [] : user)];
    for (const directory of wanted) {
      mkdirSync(directory, { recursive: true });
      for (const name of names) link(directory, name, target);
      // Other projects have theirs in the user's directory.
      if (directory === local) removeOld(directory, names, target);
    }
    return 0;
  },
);
