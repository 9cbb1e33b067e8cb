// `_exec NAME COMMAND …`: a program beside the one that runs in a container.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { consoleSize } from '../../adapters/oci/bundle.ts';
import { execCommand } from '../../adapters/oci/engine.ts';
import { runForeground } from '../../adapters/run/foreground.ts';
import type { Prepared } from '../../adapters/run/prepare.ts';
import { wantsTerminal } from '../../adapters/run/terminal.ts';
import { tailOption } from '../../adapters/run/terminal-tail.ts';
import type { KnownRun } from '../../adapters/runs/state.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { exactName } from '../../core/supervise/named.ts';
import { type ChosenRun, chosenRuns } from '../chosen-runs.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

/** Who is root of a user namespace has made it: its creator may enter it. */
function enterWords({ supervisor }: KnownRun['state']): string[] {
  if (!supervisor.insideUserNamespace) return [];
  return ['nsenter', '--user', '--mount', '--target', String(supervisor.pid), '--'];
}

/** The only child, or the one named. */
function childOf({ children, run }: ChosenRun): string | undefined {
  const [child, more] = children.length > 0 ? children : run.children;
  return more === undefined ? child : undefined;
}

interface ProcessSpec {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly terminal: boolean;
}

/** As the program of the container was started, with another command line; in a file, as engines want it. */
function processFile({ place }: KnownRun, id: string, argv: readonly string[], terminal: boolean): string {
  const config = readFileSync(join(place.bundles, id, 'config.json'), 'utf8');
  const { process: own } = JSON.parse(config) as { readonly process: ProcessSpec };
  const env = [...own.env.filter(text => !text.startsWith('TERM=')), `TERM=${process.env.TERM ?? 'dumb'}`];
  const file = join(place.directory, `exec.${process.pid}.json`);
  writeFileSync(
    file,
    JSON.stringify({ ...own, args: argv, env, terminal, ...(terminal && { consoleSize: consoleSize() }) }),
    {
      mode: 0o600,
    },
  );
  return file;
}

function pidIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function prepared(known: KnownRun, id: string, wanted: readonly string[], terminal: boolean): Prepared {
  const { state, place } = known;
  const file = processFile(known, id, wanted, terminal);
  const pidFile = `${file}.pid`;
  const bundle = {
    id,
    directory: join(place.bundles, id),
    remove: () => [file, pidFile].forEach(each => void rmSync(each, { force: true })),
  };
  const tail = terminal ? `${file}.tail` : undefined;
  const own = tail === undefined ? [] : tailOption(state.engine, tail);
  const argv = [
    ...enterWords(state),
    ...execCommand(state.engine, id, [], { options: ['--process', file, '--pid-file', pidFile], own }),
  ];
  const run: Prepared = { kind: 'prepared', argv, bundle, engine: state.engine, hasInit: false, terminal };
  return tail === undefined ? run : { ...run, tail, terminalPid: () => pidIn(pidFile) };
}

async function exec(session: Session, words: readonly string[], mayHaveTerminal: boolean): Promise<number> {
  const [name = '', ...argv] = words;
  const runs = chosenRuns(session, [name]);
  if (typeof runs === 'number') return runs;
  const [chosen, more] = runs;
  if (chosen === undefined || more !== undefined)
    return say(121, `${name} runs several times: ${runs.map(({ run }) => exactName(run)).join(', ')}`);
  const { known, children } = chosen.run;
  const child = childOf(chosen);
  if (child === undefined) return say(121, `${name} has several children: ${children.join(', ')}`);
  const id = known.alive ? known.state.containers[child] : undefined;
  if (id === undefined) return say(121, `${child} is not running now (see vagga _ps)`);
  return await runForeground(prepared(known, id, argv, mayHaveTerminal && wantsTerminal()));
}

export const execEntry = entry(
  {
    name: 'vagga _exec',
    description: 'Run a program in the container of a command that runs',
    options: [flag('no-tty', ['-T', '--no-tty'], 'Without a terminal of its own')],
    positionals: [
      { name: 'name', takes: 'required', completes: 'commands', help: 'A command or one of its children' },
      { name: 'command', takes: 'required', help: 'The program' },
      { name: 'args', takes: 'list', help: 'Its arguments' },
    ],
    stopsAtWord: true,
  },
  (session, { given, words }) => exec(session, words, !has(given, 'no-tty')),
);
