// Commands of vagga itself: names that start with `_`.

import { relative } from 'node:path';
import { hashContainer } from '../adapters/image/identity.ts';
import type { RunCommand } from '../config/model.ts';
import { containerNotFound } from '../config/references.ts';
import { listRows } from '../core/listing.ts';
import { imagesOf, ROOT_ONLY, runOne } from './run-commands.ts';
import { type Session, say } from './session.ts';

type Builtin = (session: Session, words: readonly string[]) => number | Promise<number>;

/** Shown by `_list --hidden`. */
const LISTED: readonly (readonly [string, string])[] = [
  ['_build', 'Build a container'],
  ['_run', 'Run a program in a container'],
  ['_list', 'List commands or containers'],
  ['_version_hash', 'Print the identity of a container'],
  ['_base_dir', 'Print the directory of the project'],
  ['_relative_work_dir', 'Print the current directory below that of the project'],
];

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
  '_dump_config',
  '_compgen',
  '_help',
  '_capsule',
];

function usage(command: string, positionals: string, message: string, code = 122): number {
  return say(code, `Usage:\n  vagga ${command} [OPTIONS] ${positionals}\nvagga ${command}: ${message}`);
}

/** Splits off the flags `allowed`; the first unknown one is the error. */
function flagsOf(words: readonly string[], allowed: readonly string[]) {
  const flags = new Set(words.filter(word => word.startsWith('-')));
  const unknown = [...flags].find(flag => !allowed.includes(flag));
  return { flags, unknown, rest: words.filter(word => !word.startsWith('-')) };
}

async function build(session: Session, words: readonly string[]): Promise<number> {
  const { flags, unknown, rest } = flagsOf(words, ['--force']);
  if (unknown !== undefined) return usage('_build', 'NAME', `Unknown option ${unknown}`);
  const [name = '', extra] = rest;
  if (extra !== undefined) return usage('_build', 'NAME', `Unexpected argument ${extra}`);
  if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
  if (process.getuid?.() !== 0) return say(121, ROOT_ONLY);
  const built = await session.build([name], flags.has('--force'));
  return typeof built === 'number' ? built : 0;
}

function unknownContainer(session: Session, name: string): number {
  return say(121, containerNotFound(name, Object.keys(session.cache.project.containers)));
}

/** A program in a container as if it were a command of the project. */
async function run(session: Session, words: readonly string[]): Promise<number> {
  const [name, ...argv] = words;
  if (name?.startsWith('-'))
    return usage('_run', 'CONTAINER COMMAND [ARGS ...]', `${name} is not available yet`);
  if (name === undefined || argv.length === 0) {
    return usage(
      '_run',
      'CONTAINER COMMAND [ARGS ...]',
      `Argument ${name === undefined ? 'CONTAINER' : 'COMMAND'} is required`,
    );
  }
  if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const images = await imagesOf(session, [name]);
  if (typeof images === 'number') return images;
  return await runOne(session, '_run', asCommand(name, argv), [], images);
}

function asCommand(container: string, run: readonly string[]): RunCommand {
  return {
    kind: 'command',
    file: '',
    line: 0,
    column: 0,
    prerequisites: [],
    aliases: [],
    isolateNetwork: false,
    tags: [],
    notAvailable: [],
    container,
    run,
    acceptsArguments: true,
    environ: {},
    volumes: {},
    userId: 0,
    groupId: 0,
    supplementaryGids: [],
  };
}

function list(session: Session, words: readonly string[]): number {
  const known = ['--containers', '-A', '--all', '--builtin', '--hidden', '--no-aliases', '-v', '--verbose'];
  const { flags, unknown, rest } = flagsOf(words, known);
  if (unknown !== undefined || rest.length > 0) {
    const message = unknown === undefined ? `Unexpected argument ${rest[0]}` : `Unknown option ${unknown}`;
    return usage('_list', '', message, 2);
  }
  const { project } = session.cache;
  if (flags.has('--containers')) {
    process.stdout.write(
      Object.keys(project.containers)
        .sort()
        .map(name => `${name}\n`)
        .join(''),
    );
    return 0;
  }
  const has = (...names: string[]) => names.some(name => flags.has(name));
  const options = {
    hidden: has('--hidden', '--all', '-A'),
    aliases: !has('--no-aliases'),
    verbose: has('-v', '--verbose'),
  };
  process.stdout.write(listRows(project, LISTED, options));
  return 0;
}

function versionHash(session: Session, words: readonly string[]): number {
  const { flags, unknown, rest } = flagsOf(words, ['-s', '--short', '--dump-version-data']);
  if (unknown !== undefined) return usage('_version_hash', 'NAME', `Unknown option ${unknown}`);
  const [name] = rest;
  if (name === undefined) return usage('_version_hash', 'NAME', 'Argument NAME is required');
  const { layout, cache } = session;
  if (cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const dump = flags.has('--dump-version-data')
    ? (data: string | Uint8Array) => void process.stdout.write(data)
    : undefined;
  const found = hashContainer(layout.root, cache.project, name, dump);
  if (found.kind === 'not-ready')
    return say(29, `Container "${name}" cannot be versioned yet: ${found.message}`);
  if (found.kind === 'failed') return say(124, `Error versioning container "${name}": ${found.message}`);
  process.stdout.write(`${flags.has('-s') || flags.has('--short') ? found.hash.slice(0, 8) : found.hash}\n`);
  return 0;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

const BUILTINS: Readonly<Record<string, Builtin>> = {
  _build: build,
  _run: run,
  _list: list,
  _version_hash: versionHash,
  _base_dir: ({ layout }) => print(layout.root),
  _relative_work_dir: ({ layout }) => print(relative(layout.root, process.cwd())),
};

/** Undefined: not a built-in command; a command of the project may have such a name. */
export async function builtin(session: Session, words: readonly string[]): Promise<number | undefined> {
  const [name = '', ...rest] = words;
  const known = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (known !== undefined) return await known(session, rest);
  return NOT_AVAILABLE.includes(name) ? say(121, `${name} is not available yet`) : undefined;
}
