// `_capsule build|run|script|download`: what a capsule command asks of vagga (§4.4).
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { fileOf } from '../../adapters/download/cached.ts';
import { isInCapsule } from '../../adapters/project/in-capsule.ts';
import { proxyVariables } from '../../adapters/run/proxies.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { type CommandLineSpec, flag, valued } from '../../core/options/spec.ts';
import { type Session, say } from '../session.ts';
import { type Builtin, type BuiltinEntry, entry, type ParsedLine } from './registry.ts';
import { RUN_SPEC, runIn } from './run.ts';
import { print, unknownContainer } from './usage.ts';

const FETCH_OPTIONS = [
  valued('sha256', ['--sha256'], 'HASH', 'Refuse the file unless its checksum begins so'),
  flag('refresh', ['--refresh'], 'Fetch it again even when it is in the cache'),
];

const build = entry(
  {
    name: 'vagga _capsule build',
    description: 'Build a container',
    options: [
      flag('force', ['--force'], 'Build it even when it is up to date'),
      flag('print-version', ['--print-version'], 'Print NAME.HASH of what is there then'),
    ],
    positionals: [{ name: 'name', takes: 'required', help: 'The container' }],
  },
  async (session, { given, words: [name = ''] }) => {
    if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const built = await session.build([name], { force: has(given, 'force'), whole: true });
    if (typeof built === 'number') return built;
    return has(given, 'print-version') ? print(`${name}.${built.get(name)?.slice(0, 8)}`) : 0;
  },
);

/** Absolute path of the file in vagga's own world. Throws a sentence for the user. */
async function fetched(session: Session, { given, words: [url = ''] }: ParsedLine): Promise<string> {
  const { layout, cache } = session;
  const [sha256] = valuesOf(given, 'sha256');
  const context = {
    projectRoot: layout.root,
    externalVolumes: cache.settings.externalVolumes,
    directory: layout.cache('downloads'),
    proxies: proxyVariables(cache),
    signal: new AbortController().signal,
    say: (text: string) => void say(0, text),
  };
  return await fileOf(context, {
    urls: [url],
    refresh: has(given, 'refresh'),
    ...(sha256 !== undefined && { sha256 }),
  });
}

/** The same file as the capsule sees it. */
function insideCapsule({ layout }: Session, path: string): string {
  const below = (directory: string) => path.startsWith(`${directory}/`);
  if (below(layout.cache('.'))) return join('/vagga/cache', relative(layout.cache('.'), path));
  return below(layout.root) ? join('/work', relative(layout.root, path)) : path;
}

function fetching(
  spec: CommandLineSpec,
  use: (session: Session, path: string, words: readonly string[]) => number,
) {
  return entry(spec, async (session, line) => {
    try {
      return use(session, insideCapsule(session, await fetched(session, line)), line.words.slice(1));
    } catch (error) {
      return say(121, (error as Error).message);
    }
  });
}

const ADDRESS = {
  name: 'url',
  takes: 'required',
  help: 'Its address, or a path of the project that begins with ./',
} as const;

const download = fetching(
  {
    name: 'vagga _capsule download',
    description: 'Fetch a file into the cache and print its path',
    options: FETCH_OPTIONS,
    positionals: [ADDRESS],
  },
  (_, path) => print(path),
);

/** With the capsule's own PATH, as the command that called us has it. */
const script = fetching(
  {
    name: 'vagga _capsule script',
    description: 'Fetch a script into the cache and run it',
    options: FETCH_OPTIONS,
    positionals: [ADDRESS, { name: 'args', takes: 'list', help: 'Its arguments' }],
    stopsAtWord: true,
  },
  ({ layout }, path, words) => {
    chmodSync(path, 0o755);
    const { _VAGGA_PATH: searchPath, ...rest } = process.env;
    const cwd = join('/work', relative(layout.root, process.cwd()));
    const ran = spawnSync(path, words, {
      stdio: 'inherit',
      cwd,
      env: { ...rest, PWD: cwd, PATH: searchPath ?? rest.PATH },
    });
    if (ran.error !== undefined) return say(121, ran.error.message);
    return ran.status ?? 128 + (ran.signal === null ? 0 : constants.signals[ran.signal]);
  },
);

const COMMANDS: Readonly<Record<string, Builtin>> = {
  build: build.run,
  version: build.run,
  run: entry({ ...RUN_SPEC, name: 'vagga _capsule run' }, runIn).run,
  script: script.run,
  download: download.run,
};

export const capsule: BuiltinEntry = {
  title: 'Build, run and fetch from inside a !CapsuleCommand',
  run: (session, [name = '', ...words]) => {
    if (!isInCapsule()) return say(121, 'vagga _capsule works only inside of a !CapsuleCommand');
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    return command === undefined
      ? say(127, `Unknown command ${JSON.stringify(name)}`)
      : command(session, words);
  },
};
