// The full program: loads the project (YAML, schemas), builds, runs built-in commands. Loaded by cli/vagga.ts on demand.
import { accessSync, existsSync, constants as fsConstants, fstatSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname } from 'node:path';
import { BUILD } from '../adapters/build/elsewhere.ts';
import { currentIds, isInside, settleIds } from '../adapters/namespace/current.ts';
import { cannotEnter, enterNamespace, joinNamespace } from '../adapters/namespace/enter.ts';
import { SETUP_NETWORK, setUpNetwork } from '../adapters/namespace/network.ts';
import { pretendOwners } from '../adapters/namespace/pretend-owners.ts';
import { findGateway } from '../adapters/network/gateway.ts';
import type { Cache } from '../adapters/project/cache.ts';
import { findProject, mistaken, mistakenFiles } from '../adapters/project/find.ts';
import { load } from '../adapters/project/load.ts';
import { COMPATIBLE_VERSION } from '../config/version.ts';
import { listing } from '../core/listing.ts';
import {
  DEFAULT_OPTIONS,
  type GlobalOptions,
  type ParsedGlobal,
  parseGlobal,
} from '../core/options/global.ts';
import { resolveCommand } from '../core/plan/commands.ts';
import { isOwnName, symlinkCommand } from '../core/plan/symlinks.ts';
import { type Assigned, assignedVariables } from '../core/run/assigned.ts';
import { printCompletion } from './builtins/completion.ts';
import { EXAMINE_INSIDE, examineInside, examineMachine } from './builtins/doctor.ts';
import { builtin, isOutside, ownCommands } from './builtins/index.ts';
import { changeNetwork } from './builtins/network.ts';
import { namespaceOfWords } from './builtins/run-in-netns.ts';
import { ownProcess } from './own-processes.ts';
import { runCommands } from './run-commands.ts';
import { Session, warn } from './session.ts';

declare const SUITE_VERSION: string;

/** Of log lines. */
const CONFIG = 'vagga::config';

function fail(code: number, text: string): number {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
  return code;
}

const NOT_FOUND_HINT = `Change to a directory of a project, or create vagga.yaml there, such as

containers:
  app:
    setup:
    - !Debian bookworm
    - !Install [python3]
commands:
  run: !Command
    description: What \`vagga\` shows about it
    container: app
    run: python3 --version
`;

/** Root working in somebody's project would leave files that the owner cannot remove. */
function ownerProblem(root: string, options: GlobalOptions): number | undefined {
  const owner = statSync(root).uid;
  if (options.ignoreOwnerCheck || owner === process.getuid?.()) return undefined;
  if (process.getuid?.() === 0 && currentIds().ids.kind === 'real')
    return fail(122, 'You should not run vagga as root (see http://bit.ly/err_root)');
  warn('the project belongs to another user');
  return undefined;
}

/** `--env-file`, `-e` and `-E`; a file that cannot be read is an error like a bad name. */
function handedIn({ assigned, copied, envFiles }: GlobalOptions): Assigned {
  try {
    const files = envFiles.map(name => ({ name, text: readFileSync(name, 'utf8') }));
    return assignedVariables({ caller: process.env, files, copied, assigned });
  } catch (error) {
    return { ok: false, message: `--env-file cannot be read: ${(error as Error).message}` };
  }
}

interface Wish {
  readonly options: GlobalOptions;
  readonly words: readonly string[];
}

/** Is this built-in command meant, which needs no project? One of the project that has its name was there first. */
function isOurs({ words: [word] }: Wish, name: string): boolean {
  if (word !== name) return false;
  const found = findProject(process.cwd());
  const loaded = found && load(found);
  return !loaded?.ok || resolveCommand(loaded.cache.project.commands, name) === undefined;
}

/** What to do before there is a project: the exit code, or undefined. Scripts compare the first word of the version. */
function withoutProject(parsed: ParsedGlobal): number | undefined {
  if (parsed.kind === 'help') process.stdout.write(parsed.text);
  else if (parsed.kind === 'version')
    process.stdout.write(`v${COMPATIBLE_VERSION} (suite ${SUITE_VERSION})\n`);
  else if (parsed.kind === 'run' && isOurs(parsed, '_completion'))
    return printCompletion(parsed.words.slice(1));
  else return undefined;
  return 0;
}

/** Through a symlink all words belong to its command; by its own name vagga reads them itself. */
function wishOf(cache: Cache, program: string, argv: readonly string[]): Wish | number {
  if (!isOwnName(program) && cache.settings.runSymlinksAsCommands) {
    const name = symlinkCommand(cache.project, program);
    if (name === undefined) return fail(127, `Can't find command ${JSON.stringify(program)}`);
    return { options: DEFAULT_OPTIONS, words: [name, ...argv] };
  }
  const parsed = parseGlobal(argv);
  return parsed.kind === 'run'
    ? parsed
    : (withoutProject(parsed) ?? fail(122, parsed.kind === 'wrong' ? parsed.text : ''));
}

async function inProject(root: string, cache: Cache, { options, words }: Wish): Promise<number> {
  const owner = ownerProblem(root, options);
  if (owner !== undefined) return owner;
  const assigned = handedIn(options);
  if (!assigned.ok) return fail(126, assigned.message);
  const session = new Session(root, cache, options, assigned.variables);
  session.ownCommands = ownCommands(cache.project);
  if (words.length === 0) {
    process.stderr.write(listing(cache.project));
    return 127;
  }
  try {
    const own = options.multi ? undefined : await builtin(session, words);
    return own ?? (await runCommands(session, words));
  } finally {
    await session.copies.removeAll();
  }
}

interface BuildWork {
  readonly options: GlobalOptions;
  readonly names: readonly string[];
  readonly force: boolean;
  readonly whole: boolean;
  readonly imageDownload: boolean;
}

/** A build that another vagga of ours could not do in its own process. */
async function buildForAnother({ options, names, ...how }: BuildWork): Promise<number> {
  if (!isInside()) enterNamespace();
  if (currentIds().ids.kind === 'single') pretendOwners();
  const found = findProject(process.cwd());
  const loaded = found && load(found);
  if (found === undefined || loaded === undefined) return fail(126, NOT_FOUND_HINT);
  if (!loaded.ok) return fail(126, loaded.text);
  const built = await new Session(found.root, loaded.cache, options, {}).buildHere(names, how);
  return typeof built === 'number' ? built : 0;
}

async function main(argv: readonly string[]): Promise<number> {
  const own = await ownProcess(argv);
  if (own !== undefined) return own;
  settleIds();
  if (argv[0] === BUILD) return await buildForAnother(JSON.parse(argv[1] ?? ''));
  const program = basename(process.argv[1] ?? 'vagga');
  if (isOwnName(program)) {
    const parsed = parseGlobal(argv);
    const early = withoutProject(parsed);
    if (early !== undefined) return early;
    if (parsed.kind === 'run' && isOurs(parsed, '_doctor'))
      return await examineMachine(parsed.words.slice(1));
    if (parsed.kind === 'run' && parsed.words[0] === '_network') return changeNetwork(parsed.words.slice(1));
  }
  const found = findProject(process.cwd());
  if (found === undefined) {
    for (const file of mistakenFiles(process.cwd())) warn(mistaken(file), CONFIG);
    return fail(126, `Config not found in path ${JSON.stringify(process.cwd())}\n${NOT_FOUND_HINT}`);
  }
  const loaded = load(found);
  if (!loaded.ok) return fail(126, loaded.text);
  const wish = wishOf(loaded.cache, program, argv);
  if (typeof wish !== 'number' && !isOutside(loaded.cache.project, wish.words) && !isInside()) {
    const problem = cannotEnter(found.root);
    if (problem !== undefined) return fail(121, problem);
    const there = namespaceOfWords(wish.words) ?? findGateway()?.user;
    return there === undefined ? enterNamespace() : joinNamespace(there);
  }
  for (const warning of loaded.cache.warnings) warn(warning, CONFIG);
  return typeof wish === 'number' ? wish : await inProject(found.root, loaded.cache, wish);
}

// Inside of a container Node is started by a script (see `!VaggaBin`), and can start itself by that one only.
if (process.env._VAGGA_NODE !== undefined) process.execPath = process.env._VAGGA_NODE;
delete process.env._VAGGA_NODE;

/** Rights, space and limits are the machine's matter; everything else is ours. */
const OF_THE_MACHINE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'];

/** Of a place where nothing can be made Node only says that the new directory is not there. */
function realError(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (error.code !== 'ENOENT' || error.syscall !== 'mkdir' || error.path === undefined) return error;
  let there = dirname(error.path);
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, fsConstants.W_OK);
    return error;
  } catch (reason) {
    return reason as NodeJS.ErrnoException;
  }
}

function crashText(error: NodeJS.ErrnoException): string {
  const { code, message, stack } = realError(error);
  const isOurs = code === undefined || !OF_THE_MACHINE.includes(code);
  return isOurs ? `vagga: internal error: ${stack}` : `vagga: ${message}\nvagga _doctor says what helps.`;
}

/** A pipe holds 64 KiB: what its reader has not taken yet would go with us. A reader that is gone wants no more. */
async function written(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>(resolve => {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

async function end(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(code);
}

/** As a signal would end others: `vagga _logs -f | head -1`. */
const READER_GONE = 128 + constants.signals.SIGPIPE;

const isPipe = (fd: number): boolean => {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
};

/** Node keeps its output as it is after such an error, so nothing else tells whose it was. */
const isReaderGone = ({ code, syscall }: NodeJS.ErrnoException): boolean =>
  code === 'EPIPE' && syscall === 'write' && [1, 2].some(isPipe);

function crashed(error: NodeJS.ErrnoException): Promise<never> {
  return end(isReaderGone(error) ? READER_GONE : fail(121, crashText(error)));
}

process.on('uncaughtException', error => void crashed(error));

if (process.argv[2] === SETUP_NETWORK) setUpNetwork();
else if (process.argv[2] === EXAMINE_INSIDE) examineInside();
else main(process.argv.slice(2)).then(end, crashed);
