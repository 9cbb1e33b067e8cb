import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Disk, Proc } from '@suite/shared/ports/index.ts';
import { COMMAND_OUTPUT_BYTES_MAX, RENDERED_BYTES_MAX, TEMPLATE_BYTES_MAX } from '../../config/defaults.ts';
import { type Command, type PlainCommand, parseMode } from '../../core/render/commands.ts';
import { expand, type References } from '../../core/render/expand.ts';
import { globProblem, parseGlob } from '../../core/render/glob.ts';
import { splitText } from '../../core/render/split.ts';
import type { RoleLog } from './deploy-log.ts';
import { walk } from './walk.ts';

/** What commands may use. `signatures`: directories of `!Condition`, hashed before the first command of the render file. */
export interface Execution {
  readonly proc: Proc;
  readonly disk: Disk;
  readonly log: RoleLog;
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  readonly references: References;
  readonly logDirs: ReadonlyMap<string, string>;
  readonly signatures: ReadonlyMap<string, string>;
}

/** What went wrong, or undefined. */
type Outcome = Promise<string | undefined>;

async function run(execution: Execution, argv: readonly string[]): Outcome {
  const { log, proc, timeoutMs, dryRun } = execution;
  const shown = argv.join(' ');
  await log.write(`${dryRun ? '(dry run) ' : ''}run: ${shown}\n`);
  if (dryRun) return undefined;
  const result = await proc.run(argv, {
    timeoutMs,
    maxOutputBytes: COMMAND_OUTPUT_BYTES_MAX,
    ownGroup: true,
  });
  await log.write(result.stdout + result.stderr);
  if (result.notFound) return `${argv[0]}: no such program`;
  if (result.timedOut) return `${shown}: still running after ${timeoutMs} ms`;
  if (result.code === 0) return undefined;
  const how = result.code === null ? `was killed by ${result.signal}` : `ended with ${result.code}`;
  const last = (result.stderr || result.stdout).trimEnd().split('\n').slice(-3).join(' | ');
  return `${shown} ${how}${last === '' ? '' : `: ${last}`}`;
}

async function read(execution: Execution, path: string): Promise<Uint8Array> {
  const data = await execution.disk.readBytes(path, RENDERED_BYTES_MAX);
  if (data === undefined) throw new Error(`${path}: no such file`);
  return data;
}

/** Through a temporary file beside the target: a reader sees the old file or the new one. The directory must be there. */
async function put(
  execution: Execution,
  path: string,
  data: string | Uint8Array,
  mode: string | undefined,
): Promise<void> {
  if ((await execution.disk.list(dirname(path))) === undefined)
    throw new Error(`${dirname(path)}: no such directory`);
  const bits = mode === undefined ? undefined : parseMode(mode);
  await execution.disk.writeAtomic(path, data, bits === undefined ? {} : { mode: bits });
}

type Options<T extends PlainCommand['tag']> = Extract<PlainCommand, { tag: T }>['value'];

async function copy(execution: Execution, options: Options<'Copy'>): Outcome {
  const source = expand(options.src, execution.references);
  const target = expand(options.dest, execution.references);
  await execution.log.write(
    `${execution.dryRun ? '(dry run) ' : ''}copy: ${basename(source)} to ${target}\n`,
  );
  if (!execution.dryRun) await put(execution, target, await read(execution, source), options.mode);
  return undefined;
}

/** Existing files that match `pattern`, with their captured parts. */
async function matching(execution: Execution, pattern: string): Promise<[path: string, captured: string][]> {
  const problem = globProblem(pattern);
  if (problem !== undefined) throw new Error(`${pattern}: ${problem}`);
  const glob = parseGlob(pattern);
  const paths = (await walk(execution.disk, glob.base, { skipHidden: false })) ?? [];
  return paths.flatMap(path => {
    const whole = join(glob.base, path);
    const captured = glob.match(whole);
    return captured === undefined ? [] : [[whole, captured] as [string, string]];
  });
}

async function removeAll(execution: Execution, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await execution.log.write(`${execution.dryRun ? '(dry run) ' : ''}delete: ${path}\n`);
    if (!execution.dryRun) await execution.disk.remove(path);
  }
}

async function split(execution: Execution, options: Options<'SplitText'>): Outcome {
  const pattern = expand(options.dest, execution.references);
  const source = expand(options.src, execution.references);
  await execution.log.write(
    `${execution.dryRun ? '(dry run) ' : ''}split: ${basename(source)} to ${pattern}\n`,
  );
  if (execution.dryRun) return undefined;
  const text = new TextDecoder().decode(await read(execution, source));
  const result = splitText(text, new RegExp(options.section), new RegExp(options.validate));
  if ('error' in result) return `SplitText of ${basename(source)}: ${result.error}`;
  const glob = parseGlob(pattern);
  for (const section of result.sections)
    await put(execution, glob.fill(section.name), section.text, options.mode);
  const kept = new Set(result.sections.map(section => section.name));
  const old = (await matching(execution, pattern)).filter(([, name]) => !kept.has(name));
  await removeAll(
    execution,
    old.map(([path]) => path),
  );
  return undefined;
}

async function clean(execution: Execution, options: Options<'CleanFiles'>): Outcome {
  const pattern = expand(options.pattern, execution.references);
  const list = new TextDecoder().decode(
    await read(execution, expand(options.keepList, execution.references)),
  );
  const kept = new Set(list.split('\n').map(line => line.trim()));
  const surplus = (await matching(execution, pattern)).filter(([, captured]) => !kept.has(captured));
  await removeAll(
    execution,
    surplus.map(([path]) => path),
  );
  return undefined;
}

/** Records how long a service's log is now, so that a reader can start there. Never fails. */
async function peekLog(execution: Execution, text: string): Outcome {
  const path = expand(text, execution.references);
  const [name = '', ...rest] = path.split('/');
  const directory = execution.logDirs.get(name);
  if (directory === undefined || rest.includes('..')) {
    await execution.log.write(`PeekLog ${path}: ${name} is no log directory of the sandbox files\n`);
    return undefined;
  }
  const size = await stat(join(directory, ...rest)).then(
    found => found.size,
    () => 0,
  );
  await execution.log.external(path, size);
  return undefined;
}

/** The content of a directory tree as one hash; `absent` when there is none. */
async function signature(disk: Disk, directory: string): Promise<string> {
  const paths = await walk(disk, directory, { skipHidden: false });
  if (paths === undefined) return 'absent';
  const hash = createHash('sha256');
  for (const path of paths) {
    const data = (await disk.readBytes(join(directory, path), TEMPLATE_BYTES_MAX * 16)) ?? new Uint8Array();
    hash.update(`${path}\0${data.length}\0`).update(data);
  }
  return hash.digest('hex');
}

/** Hashes the directories of all conditions among `commands`. */
export async function signaturesOf(disk: Disk, commands: readonly Command[]): Promise<Map<string, string>> {
  const directories = commands.flatMap(command =>
    command.tag === 'Condition' ? command.value.dirsChanged : [],
  );
  const signatures = new Map<string, string>();
  for (const directory of new Set(directories)) signatures.set(directory, await signature(disk, directory));
  return signatures;
}

async function condition(
  execution: Execution,
  options: Extract<Command, { tag: 'Condition' }>['value'],
): Outcome {
  for (const directory of options.dirsChanged) {
    if ((await signature(execution.disk, directory)) === execution.signatures.get(directory)) continue;
    await execution.log.write(`changed: ${directory}\n`);
    return await execute(execution, options.commands);
  }
  await execution.log.write(`unchanged: ${options.dirsChanged.join(', ')}\n`);
  return undefined;
}

function expandAll(execution: Execution, argv: readonly string[]): string[] {
  return argv.map(word => expand(word, execution.references));
}

/** As root already: the command itself; otherwise through sudo, which must not ask. */
function asRoot(argv: readonly string[]): string[] {
  return process.geteuid?.() === 0 ? [...argv] : ['/usr/bin/sudo', '-n', ...argv];
}

function executeOne(execution: Execution, command: Command): Outcome {
  switch (command.tag) {
    case 'Cmd':
      return run(execution, expandAll(execution, command.value));
    case 'RootCommand':
      return run(execution, asRoot(expandAll(execution, command.value)));
    case 'Sh':
      return run(execution, ['sh', '-exc', expand(command.value, execution.references)]);
    case 'Copy':
      return copy(execution, command.value);
    case 'SplitText':
      return split(execution, command.value);
    case 'CleanFiles':
      return clean(execution, command.value);
    case 'PeekLog':
      return peekLog(execution, command.value);
    case 'Condition':
      return condition(execution, command.value);
  }
}

/** Runs commands in order and stops at the first that fails; gives what went wrong there. */
export async function execute(execution: Execution, commands: readonly Command[]): Outcome {
  for (const command of commands) {
    const problem = await executeOne(execution, command).catch(
      (error: Error) => `${command.tag}: ${error.message}`,
    );
    if (problem === undefined) continue;
    await execution.log.write(`failed: ${problem}\n`);
    return problem;
  }
  return undefined;
}
