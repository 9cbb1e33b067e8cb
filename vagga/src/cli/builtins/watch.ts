// `_watch COMMAND …`: the command runs, and again when files of the project change.
import { notIgnoredByGit } from '../../adapters/watch/git-ignored.ts';
import { FileWatcher } from '../../adapters/watch/watcher.ts';
import type { Command, RunCommand, WatchRule } from '../../config/model.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { resolveCommand } from '../../core/plan/commands.ts';
import { hits, isIgnored, WHOLE_PROJECT } from '../../core/watch/rules.ts';
import { runCommands } from '../run-commands.ts';
import { type Session, say, warn } from '../session.ts';
import { startLoop } from '../watch-loop.ts';
import { entry } from './registry.ts';

function rulesOf(command: Command): readonly WatchRule[] {
  if (command.kind === 'command') return command.watch;
  return command.kind === 'supervise' ? Object.values(command.children).flatMap(({ watch }) => watch) : [];
}

/** Rules of children, and copies into a container, are for whoever has the containers. */
const needsSupervisor = (command: Command, rules: readonly WatchRule[]): boolean =>
  command.kind === 'supervise' ? rules.length > 0 : rules.some(({ action }) => action === 'sync');

const firstOf = ([first = '', ...more]: readonly string[]): string =>
  `${first} changed${more.length > 0 ? ` (and ${more.length} more)` : ''}`;

/** Our own command line without the word that led here. */
function withoutWatch(words: readonly string[]): string[] {
  const [script = '', ...rest] = process.argv.slice(1);
  return [script, ...rest.slice(0, rest.lastIndexOf('_watch', rest.length - words.length - 1)), ...words];
}

async function loop(
  session: Session,
  command: Command,
  words: readonly string[],
  poll: boolean,
): Promise<number> {
  const { root } = session.layout;
  const own = rulesOf(command);
  const rules = own.length > 0 ? own : [WHOLE_PROJECT];
  const changed = (paths: readonly string[]) => {
    const hit = rules.flatMap(rule => hits(rule, paths));
    const counts = own.length > 0 ? hit : notIgnoredByGit(root, hit);
    if (counts.length > 0) running.again(firstOf(counts));
  };
  const watcher = new FileWatcher({
    root,
    paths: rules.map(({ path }) => path.replace(/\/+$/, '') || '.'),
    isIgnored: path => rules.every(rule => isIgnored(rule, path)),
    changed,
    warn,
    poll,
  });
  const killAfterS = command.kind === 'supervise' ? command.killUnresponsiveAfterS : undefined;
  const running = startLoop(withoutWatch(words), killAfterS);
  const code = await running.ended;
  watcher.close();
  return code;
}

async function watch(session: Session, words: readonly string[], poll: boolean): Promise<number> {
  const [word = ''] = words;
  const { commands } = session.cache.project;
  const name = resolveCommand(commands, word);
  if (name === undefined) return await runCommands(session, words);
  const command = commands[name] as Command | RunCommand;
  const rules = rulesOf(command);
  try {
    return needsSupervisor(command, rules)
      ? await runCommands(session, words, { poll })
      : await loop(session, command, words, poll);
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return say(121, error.message);
    throw error;
  }
}

export const watchEntry = entry(
  {
    name: 'vagga _watch',
    description: 'Run a command, and again when files change',
    options: [flag('poll', ['--poll'], 'Look at the files from time to time instead of asking the kernel')],
    positionals: [
      { name: 'command', takes: 'required', completes: 'commands', help: 'A command of the project' },
      { name: 'args', takes: 'list', help: 'Its arguments' },
    ],
    stopsAtWord: true,
    epilogue: `What is watched: the \`watch\` rules of the command or of its children; without any the whole project except what
git ignores. .git and .vagga are never watched.`,
  },
  (session, { given, words }) => watch(session, words, has(given, 'poll')),
);
