// From the words of the command line to commands in their order, each with its own command line understood. Nothing runs yet.
import { inotifyWarning } from '../adapters/run/inotify-limit.ts';
import type { Command } from '../config/model.ts';
import { missingContainers } from '../config/references.ts';
import { suggestion } from '../core/options/suggest.ts';
import { commandOrder, resolveCommand } from '../core/plan/commands.ts';
import { type CommandLine, commandLine } from '../core/run/command-line.ts';
import { initCommands, volumeProblem } from './initialise.ts';
import { report } from './quick.ts';
import { type Session, say, warn } from './session.ts';

export interface PlannedCommand {
  readonly name: string;
  readonly command: Command;
  readonly line: CommandLine & { readonly kind: 'run' };
}

function unknownCommand(session: Session, word: string): number {
  const { commands } = session.cache.project;
  const names = [...Object.keys(commands), ...Object.values(commands).flatMap(({ aliases }) => aliases)];
  const hint = suggestion(word, names, session.ownCommands);
  return say(121, `Command ${JSON.stringify(word)} not found and is not an alias\n${hint}`);
}

/** Aliases resolved; or the exit code. */
function wantedCommands(session: Session, words: readonly string[]): string[] | number {
  const wanted: string[] = [];
  for (const word of session.options.multi ? words : words.slice(0, 1)) {
    const name = resolveCommand(session.cache.project.commands, word);
    if (name === undefined) return unknownCommand(session, word);
    wanted.push(name);
  }
  return wanted;
}

function ordered(session: Session, wanted: readonly string[]): readonly string[] | number {
  if (!session.options.prerequisites) return wanted;
  const order = commandOrder(session.cache.project.commands, wanted, command =>
    initCommands(session, command),
  );
  const problem = order.ok ? volumeProblem(session, order.order) : undefined;
  if (problem !== undefined) return say(124, problem);
  if (order.ok) return order.order;
  return say(121, `Command ${order.unknown} not found. Run vagga without arguments to see the list.`);
}

function planOne(session: Session, name: string, words: readonly string[]): PlannedCommand | number {
  const command = session.cache.project.commands[name] as Command;
  const { autoApplySysctl } = session.cache.settings;
  const warning = inotifyWarning(command.expectInotifyLimit, autoApplySysctl);
  if (warning !== undefined) warn(warning);
  const line = commandLine(name, command, words, session.options.build);
  if (line.kind === 'help') return report({ kind: 'ended', code: 0, stdout: line.text });
  if (line.kind === 'wrong') return report({ kind: 'ended', code: line.code, stderr: line.text });
  return { name, command, line };
}

/** Bad arguments and `--help` need no container, so they are answered here, before anything is built. */
export function planCommands(session: Session, words: readonly string[]): PlannedCommand[] | number {
  const wanted = wantedCommands(session, words);
  if (typeof wanted === 'number') return wanted;
  const order = ordered(session, wanted);
  if (typeof order === 'number') return order;
  const planned: PlannedCommand[] = [];
  for (const name of order) {
    const own = session.options.multi || name !== wanted.at(-1) ? [] : words.slice(1);
    const one = planOne(session, name, own);
    if (typeof one === 'number') return one;
    planned.push(one);
  }
  const missing = missingContainers(session.cache.project, order);
  return missing.length > 0 ? say(121, missing.join('\n')) : planned;
}
