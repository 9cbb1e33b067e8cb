// Commands of vagga itself: names that start with `_`. One line here for each, its body in a file of its own.
import { relative } from 'node:path';
import { type Session, say } from '../session.ts';
import { build } from './build.ts';
import { dumpProject } from './dump-config.ts';
import { list } from './list.ts';
import type { BuiltinEntry } from './registry.ts';
import { run } from './run.ts';
import { print } from './usage.ts';
import { versionHash } from './version-hash.ts';

/** In the order that `_list --hidden` shows. */
const BUILTINS: Readonly<Record<string, BuiltinEntry>> = {
  _build: { title: 'Build a container', run: build },
  _run: { title: 'Run a program in a container', run },
  _list: { title: 'List commands or containers', run: (session, words) => list(session, words, titles()) },
  _version_hash: { title: 'Print the identity of a container', run: versionHash },
  _dump_config: { title: 'Print the whole config as JSON', run: dumpProject },
  _base_dir: { title: 'Print the directory of the project', run: ({ layout }) => print(layout.root) },
  _relative_work_dir: {
    title: 'Print the current directory below that of the project',
    run: ({ layout }) => print(relative(layout.root, process.cwd())),
  },
};

/** Known of the format, without a body in this version. */
const NOT_AVAILABLE = [
  '_clean',
  '_init_storage_dir',
  '_pack_image',
  '_push_image',
  '_verify',
  '_hardlink',
  '_update_symlinks',
  '_build_shell',
  '_check_overlayfs_support',
  '_create_netns',
  '_destroy_netns',
  '_run_in_netns',
  '_network',
  '_compgen',
  '_help',
  '_capsule',
];

function titles(): readonly (readonly [string, string])[] {
  return Object.entries(BUILTINS).map(([name, { title }]) => [name, title]);
}

/** Undefined: not a built-in command; a command of the project may have such a name. */
export async function builtin(session: Session, words: readonly string[]): Promise<number | undefined> {
  const [name = '', ...rest] = words;
  const known = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (known !== undefined) return await known.run(session, rest);
  return NOT_AVAILABLE.includes(name) ? say(121, `${name} is not available yet`) : undefined;
}
