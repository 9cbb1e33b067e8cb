// `_logs`: what detached commands have printed, and print.
import { followLog, LogReader, olderLines } from '../../adapters/runs/read-log.ts';
import { readRun } from '../../adapters/runs/state.ts';
import { TerminalOutput } from '../../adapters/supervise/output.ts';
import { has, valuesOf } from '../../core/options/parse.ts';
import { flag, valued } from '../../core/options/spec.ts';
import { isWished, type LogLine, type LogWish, sinceTime } from '../../core/supervise/log-line.ts';
import { type ChosenRun, chosenRuns } from '../chosen-runs.ts';
import { type Session, say } from '../session.ts';
import { entry, type ParsedLine } from './registry.ts';

interface Shown {
  readonly chosen: ChosenRun;
  readonly reader: LogReader;
  readonly output: TerminalOutput;
  readonly wish: LogWish;
}

function show({ output, wish }: Shown, lines: readonly LogLine[]): void {
  for (const line of lines.filter(each => isWished(each, wish)))
    output.lines(line.name, line.to, [Buffer.from(line.text)], line.time);
}

function shownRun(
  session: Session,
  chosen: ChosenRun,
  given: ParsedLine['given'],
  since: string | undefined,
): Shown {
  const { children, known } = chosen.run;
  const output = new TerminalOutput(children, {
    colours: session.colours,
    logPrefix: !has(given, 'no-log-prefix'),
    timestamps: has(given, 'timestamps'),
  });
  const wish = { names: chosen.children, ...(since !== undefined && { since }) };
  return { chosen, reader: new LogReader(known.place), output, wish };
}

function history(shown: Shown, tail: number): void {
  const all = [...olderLines(shown.chosen.run.known.place), ...shown.reader.read()];
  const wished = all.filter(line => isWished(line, shown.wish));
  show(shown, tail === Number.POSITIVE_INFINITY ? wished : wished.slice(Math.max(0, wished.length - tail)));
}

function follow(shown: Shown): Promise<void> {
  const { place } = shown.chosen.run.known;
  const isOver = () => readRun(place)?.alive !== true;
  return followLog(place, shown.reader, isOver, lines => show(shown, lines));
}

const isDetached = ({ run }: ChosenRun): boolean => run.known.place.mode === 'detached';

/** Of those without a log it is said where to look, unless nobody has asked for them. */
function tellTerminals(runs: readonly ChosenRun[], words: readonly string[]): number {
  const others = words.length === 0 ? [] : runs.filter(chosen => !isDetached(chosen));
  for (const { run } of others) {
    const { terminal } = run.known.state;
    const where = terminal === undefined ? 'where it was started' : `on ${terminal}`;
    say(121, `${run.command} runs in the foreground: what it prints is ${where}`);
  }
  return others.length === 0 ? 0 : 121;
}

async function logs(session: Session, { given, words }: ParsedLine): Promise<number> {
  const tail = valuesOf(given, 'tail').at(-1) ?? 'all';
  if (tail !== 'all' && !/^\d+$/.test(tail))
    return say(122, 'vagga _logs: --tail takes a number of lines, or all');
  const sinceText = valuesOf(given, 'since').at(-1);
  const since = sinceText === undefined ? undefined : sinceTime(sinceText, Date.now());
  if (sinceText !== undefined && since === undefined)
    return say(122, 'vagga _logs: --since takes a time (2026-01-31T12:00) or how long ago (1h30m)');
  const runs = chosenRuns(session, words);
  if (typeof runs === 'number') return runs;
  const code = tellTerminals(runs, words);
  const all = runs.filter(isDetached).map(run => shownRun(session, run, given, since));
  for (const shown of all) history(shown, tail === 'all' ? Number.POSITIVE_INFINITY : Number(tail));
  if (has(given, 'follow')) await Promise.all(all.map(follow));
  await Promise.all(all.map(({ output }) => output.flushed()));
  return code;
}

export const logsEntry = entry(
  {
    name: 'vagga _logs',
    description: 'Show what detached commands have printed',
    options: [
      flag('follow', ['-f', '--follow'], 'Go on with what they print, until they end'),
      valued('tail', ['-n', '--tail'], 'N', 'Begin with the last N lines of each command'),
      valued('since', ['--since'], 'TIME', 'Begin there: 10m, 2h, 2026-01-31T12:00'),
      flag('timestamps', ['-t', '--timestamps'], 'Show when each line came'),
      flag('no-log-prefix', ['--no-log-prefix'], 'Show lines as they are'),
    ],
    positionals: [
      {
        name: 'names',
        takes: 'list',
        completes: 'commands',
        help: 'Commands or their children; all when none is named',
      },
    ],
  },
  logs,
);
