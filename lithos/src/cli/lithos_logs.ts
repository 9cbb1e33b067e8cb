import type { CommandSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { LOGS } from '../config/defaults.ts';
import { parseDurationMs } from '../core/cleaning/duration.ts';
import { type LogsOptions, showLogs } from './logs.ts';
import { CONFIG_OPTION, configOf, runCommand } from './shared-options.ts';

const SPEC: CommandSpec = {
  name: 'lithos_logs',
  summary: 'Shows what programs have written, from the current and the rotated files; no tree needs to run.',
  examples: [
    ['lithos_logs web', 'everything of sandbox web, in order of time'],
    ['lithos_logs web/worker.0 -f', 'the last lines of one instance, and what it writes from now on'],
    ['lithos_logs web/worker --since 10m --grep error', 'lines of all workers of the last ten minutes'],
  ],
  options: [
    CONFIG_OPTION,
    {
      long: 'follow',
      short: 'f',
      summary: `go on as they write; begins with the last ${LOGS.followLines} lines`,
    },
    {
      long: 'since',
      argument: 'WHEN',
      summary: 'a duration such as 10m or 2h, or a time such as 2026-11-20T10:00:00Z',
    },
    { long: 'tail', short: 'n', argument: 'N', summary: 'the last N lines of each instance' },
    { long: 'grep', argument: 'TEXT', summary: 'only lines that contain TEXT' },
    { long: 'timestamps', short: 't', summary: 'with the time of each line' },
    { long: 'json', summary: 'each line as a JSON object: time, instance, stream, text' },
  ],
  positionals: [
    {
      name: 'NAME',
      summary: 'a sandbox, sandbox/process or sandbox/process.N',
      optional: true,
      repeat: true,
    },
  ],
  footer: 'Exit codes: 0 shown, 1 no such log or it cannot be read, 2 bad command line.',
};

class BadOption extends Error {}

function sinceOf(text: string): number {
  const duration = parseDurationMs(text);
  if (duration !== undefined) return Date.now() - duration;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new BadOption(
    `--since: \`${text}\` is neither a duration such as 10m nor a time such as 2026-11-20T10:00:00Z`,
  );
}

function tailOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new BadOption(`--tail: \`${text}\` is no number of lines`);
  return Number(text);
}

function logsOptions(run: ParsedRun): LogsOptions {
  const { options } = run;
  const text = (name: string) => options[name] as string | undefined;
  const since = text('since');
  const sinceMs = since === undefined ? undefined : sinceOf(since);
  const follow = options.follow === true;
  const fewLines = follow && sinceMs === undefined ? LOGS.followLines : undefined;
  return {
    config: configOf(run),
    names: run.positionals.map(name => name.replace(/\/$/, '')),
    follow,
    tail: text('tail') === undefined ? fewLines : tailOf(text('tail') as string),
    filter: { sinceMs, text: text('grep') },
    json: options.json === true,
    timestamps: options.timestamps === true,
  };
}

void runCommand(SPEC, async run => {
  try {
    return await showLogs(logsOptions(run));
  } catch (error) {
    if (!(error instanceof BadOption)) throw error;
    process.stderr.write(`lithos_logs: ${error.message}\n`);
    return EXIT.usage;
  }
});
