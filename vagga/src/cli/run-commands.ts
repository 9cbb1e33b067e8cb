// Commands of the project: their order, their containers, one after another.
import { nearest } from '@suite/shared/schema/index.ts';
import { hashContainer } from '../adapters/image/identity.ts';
import { currentVersion, isBuilt } from '../adapters/image/store.ts';
import { runForeground, wantsTerminal } from '../adapters/run/foreground.ts';
import { prepareRun } from '../adapters/run/prepare.ts';
import { type SupervisedChild, supervise } from '../adapters/run/supervise.ts';
import type { Command, RunCommand, SuperviseCommand } from '../config/model.ts';
import { missingContainers } from '../config/references.ts';
import { commandOrder, containersOf, resolveCommand } from '../core/plan/commands.ts';
import { commandArguments } from '../core/run/arguments.ts';
import { parseSelection, selectChildren } from '../core/supervise/select.ts';
import { report } from './quick.ts';
import { type Session, say } from './session.ts';

function unknownCommand(session: Session, word: string): number {
  const { commands } = session.cache.project;
  const near = nearest(word, [
    ...Object.keys(commands),
    ...Object.values(commands).flatMap(({ aliases }) => aliases),
  ]);
  const hint = near === undefined ? 'Run vagga without arguments to see the list.' : `Did you mean ${near}?`;
  return say(121, `Command ${JSON.stringify(word)} not found and is not an alias\n${hint}`);
}

function notAvailable(name: string, command: Command): number | undefined {
  const at = `${command.file}:${command.line}:${command.column}`;
  const children = command.kind === 'supervise' ? Object.entries(command.children) : [];
  const keys = [command, ...children.map(([, child]) => child)].flatMap(item => item.notAvailable);
  if (keys.length === 0) return undefined;
  return say(121, `${at}: error: ${keys.join(', ')} is not available yet (command ${name})`);
}

/** Without building: what is linked, or what the hash says must be there. */
function hashesWithoutBuild(
  session: Session,
  names: readonly string[],
): ReadonlyMap<string, string> | number {
  const hashes = new Map<string, string>();
  for (const name of names) {
    const { layout, cache, options } = session;
    if (options.build === 'no-version-check') {
      const linked = currentVersion(layout, name);
      if (linked === undefined) return say(124, `Container "${name}" was never built`);
      hashes.set(name, linked);
      continue;
    }
    const found = hashContainer(layout.root, cache.project, name);
    if (found.kind === 'failed') return say(121, found.message);
    if (found.kind === 'not-ready' || !isBuilt(layout, name, found.hash)) {
      return say(29, `Container "${name}" is out of date`);
    }
    hashes.set(name, found.hash);
  }
  return hashes;
}

export const ROOT_ONLY = 'building and running without root is not available yet: run vagga as root';

/** Hash of each container, built if need be; or the exit code. */
export async function imagesOf(session: Session, names: readonly string[]) {
  if (process.getuid?.() !== 0) return say(121, ROOT_ONLY);
  if (session.options.build !== 'normal') return hashesWithoutBuild(session, names);
  return await session.build(names, false);
}

type Hashes = ReadonlyMap<string, string>;

async function prepare(
  session: Session,
  name: string,
  command: RunCommand,
  words: readonly string[],
  hashes: Hashes,
  more: object,
) {
  const engine = await session.engine();
  if ('error' in engine) return { kind: 'ended' as const, code: 121, stderr: `${engine.error}\n` };
  const { layout, cache, options } = session;
  const { variables, isolateNetwork } = options;
  const hash = hashes.get(command.container) ?? '';
  const request = { layout, cache, engine, name, command, hash, words, isolateNetwork };
  return prepareRun({ ...request, terminal: wantsTerminal(), variables, ...more });
}

/** One command in the foreground. */
export async function runOne(
  session: Session,
  name: string,
  command: RunCommand,
  words: readonly string[],
  hashes: Hashes,
) {
  const prepared = await prepare(session, name, command, words, hashes, {});
  return prepared.kind === 'ended' ? report(prepared) : await runForeground(prepared);
}

async function runSupervise(
  session: Session,
  name: string,
  command: SuperviseCommand,
  words: readonly string[],
  hashes: Hashes,
) {
  const parsed = parseSelection(words);
  if (!parsed.ok) return say(122, `Usage:\n  vagga ${name} [OPTIONS]\nvagga ${name}: ${parsed.message}`);
  const names = selectChildren(command.children, parsed.selection);
  if (names.length === 0) return say(127, `Nothing to supervise in ${name}`);
  const children: SupervisedChild[] = [];
  for (const child of names) {
    const variables = { ...session.options.variables, VAGGA_COMMAND: name, VAGGA_SUBCOMMAND: child };
    const isolateNetwork = command.isolateNetwork || session.options.isolateNetwork;
    const run = command.children[child] as RunCommand;
    const prepared = await prepare(session, child, run, [], hashes, {
      terminal: false,
      variables,
      isolateNetwork,
    });
    if (prepared.kind === 'ended') {
      for (const { prepared: other } of children) other.bundle.remove();
      return report(prepared);
    }
    children.push({ name: child, prepared });
  }
  return await supervise(children, command, {
    colours: session.colours,
    logPrefix: parsed.selection.logPrefix,
  });
}

async function runNamed(
  session: Session,
  name: string,
  words: readonly string[],
  hashes: Hashes,
): Promise<number> {
  const command = session.cache.project.commands[name] as Command;
  if (command.kind === 'capsule') return notAvailable(name, command) ?? 121;
  const run = command.kind === 'command' ? runOne : runSupervise;
  const code = await (run as typeof runOne)(session, name, command as RunCommand, words, hashes);
  if (code === 0 && command.epilog !== undefined) process.stdout.write(command.epilog);
  return code;
}

/** Bad arguments and `--help` need no container, so they are answered before anything is built. */
function checkArguments(session: Session, name: string, words: readonly string[]): number | undefined {
  const command = session.cache.project.commands[name];
  const container =
    command?.kind === 'command' ? session.cache.project.containers[command.container] : undefined;
  if (command?.kind !== 'command' || container === undefined) return undefined;
  const checked = commandArguments(name, command, container, words);
  if (checked.kind === 'help') return report({ kind: 'ended', code: 0, stdout: checked.text });
  return checked.kind === 'unexpected'
    ? report({ kind: 'ended', code: 122, stderr: checked.text })
    : undefined;
}

/** `words`: a command and its arguments, or with `-m` several commands. */
export async function runCommands(session: Session, words: readonly string[]): Promise<number> {
  const { commands } = session.cache.project;
  const { options } = session;
  const wanted: string[] = [];
  for (const word of options.multi ? words : words.slice(0, 1)) {
    const name = resolveCommand(commands, word);
    if (name === undefined) return unknownCommand(session, word);
    wanted.push(name);
  }
  const ordered = options.prerequisites
    ? commandOrder(commands, wanted)
    : { ok: true as const, order: wanted };
  if (!ordered.ok) {
    return say(121, `Command ${ordered.unknown} not found. Run vagga without arguments to see the list.`);
  }
  const wordsOf = (name: string) => (options.multi || name !== wanted.at(-1) ? [] : words.slice(1));
  for (const name of ordered.order) {
    const code =
      notAvailable(name, commands[name] as Command) ?? checkArguments(session, name, wordsOf(name));
    if (code !== undefined) return code;
  }
  const missing = missingContainers(session.cache.project, ordered.order);
  if (missing.length > 0) return say(121, missing.join('\n'));
  const images = await imagesOf(session, [
    ...new Set(ordered.order.flatMap(name => containersOf(commands[name] as Command))),
  ]);
  if (typeof images === 'number' || options.containersOnly) return typeof images === 'number' ? images : 0;
  for (const name of ordered.order) {
    const code = await runNamed(session, name, wordsOf(name), images);
    if (code !== 0) return code;
  }
  return 0;
}
