// What can be run from the start-up cache alone: a command whose image is built and up to date.
import { Layout } from '../adapters/image/layout.ts';
import { isSettled } from '../adapters/image/store.ts';
import { quickEngine } from '../adapters/oci/quick-engine.ts';
import { type Cache, cachedHash } from '../adapters/project/cache.ts';
import { runForeground } from '../adapters/run/foreground.ts';
import { type NotStarted, type Prepared, prepareRun, type RunRequest } from '../adapters/run/prepare.ts';
import { wantsTerminal } from '../adapters/run/terminal.ts';
import { NeedsFull } from '../adapters/volumes/place.ts';
import type { RunCommand } from '../config/model.ts';
import { containersOf, resolveCommand } from '../core/plan/commands.ts';
import { argvOf } from '../core/run/arguments.ts';
import { knownProject } from './answers.ts';

/** Keys that the full program honours. */
const NEEDS_MORE = [
  'banner',
  'expectInotifyLimit',
  'passTcpSocket',
  'memoryLimit',
  'cpuQuota',
  'pidsLimit',
] as const;

/** Who asks for more wants to see the commands that are run. */
const LOGS_LITTLE = /^(?:|warn|error|off)$/i;

const isPlain = ({ envFiles, restart, writeMode }: RunCommand) =>
  envFiles.length === 0 && restart === 'never' && writeMode === 'read-only';

/** A command without anything that must happen before it, and with a command line that needs no parsing. */
function simpleCommand(cache: Cache, name: string, words: readonly string[]): RunCommand | undefined {
  const command = cache.project.commands[name];
  if (command?.kind !== 'command' || command.prerequisites.length > 0) return undefined;
  const isParsed = command.options !== undefined || (!command.acceptsArguments && words.length > 0);
  return isParsed || NEEDS_MORE.some(key => command[key] !== undefined) || !isPlain(command)
    ? undefined
    : command;
}

/** Prints why a command did not start and returns its code. */
export function report(ended: NotStarted): number {
  if (ended.stdout !== undefined) process.stdout.write(ended.stdout);
  if (ended.stderr !== undefined) process.stderr.write(ended.stderr);
  return ended.code;
}

/** Undefined: only inside the namespace one may look into the image, or give a volume its owner. */
function prepareOutside(request: RunRequest): Prepared | NotStarted | undefined {
  try {
    return prepareRun(request);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof NeedsFull || code === 'EACCES' || code === 'EPERM' || code === 'EINVAL')
      return undefined;
    throw error;
  }
}

/** Built from what the config says now, and linked. */
function isReady(layout: Layout, cache: Cache): (name: string) => boolean {
  return name => {
    const container = cache.project.containers[name];
    const hash = cachedHash(cache, name);
    return container !== undefined && hash !== undefined && isSettled(layout, name, hash, container);
  };
}

function quickRun(
  root: string,
  cache: Cache,
  name: string,
  words: readonly string[],
): Promise<number> | undefined {
  const command = simpleCommand(cache, name, words);
  const engine = quickEngine(cache);
  if (command === undefined || engine === undefined) return undefined;
  const container = cache.project.containers[command.container];
  if (container === undefined || container.dataDirs.length > 0) return undefined;
  const layout = new Layout(root, cache.settings);
  const hash = cachedHash(cache, command.container);
  if (hash === undefined || !containersOf(cache.project, command).every(isReady(layout, cache)))
    return undefined;
  const terminal = wantsTerminal();
  const argv = argvOf(command, container.defaultShell, words);
  const rest = { layout, cache, engine, command, hash, argv, terminal };
  const prepared = prepareOutside({ ...rest, variables: {}, own: {}, isolateNetwork: false });
  if (prepared === undefined) return undefined;
  if (prepared.kind === 'ended') return Promise.resolve(report(prepared));
  return runForeground(prepared).then(code => {
    if (code === 0 && command.epilog !== undefined) process.stdout.write(command.epilog);
    return code;
  });
}

/** Undefined: the full program must decide. */
export function quickStart([word, ...words]: readonly string[]): Promise<number> | undefined {
  if (word === undefined || word.startsWith('-') || word.startsWith('_')) return undefined;
  if (!LOGS_LITTLE.test(process.env.RUST_LOG ?? '')) return undefined;
  const known = knownProject();
  if (known === undefined) return undefined;
  const name = resolveCommand(known.cache.project.commands, word);
  return name === undefined ? undefined : quickRun(known.root, known.cache, name, words);
}
