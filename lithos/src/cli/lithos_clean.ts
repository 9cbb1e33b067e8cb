import type { CommandSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { parseDurationMs } from '../core/cleaning/duration.ts';
import { type CleanAction, clean } from './clean.ts';
import { CONFIG_OPTION, configOf, runCommand } from './shared-options.ts';

const SPEC: CommandSpec = {
  name: 'lithos_clean',
  summary: 'Finds and removes images that no sandbox has needed for a while; meant for cron.',
  examples: [
    ['lithos_clean --unused --history-days 30', 'what could go'],
    [
      'lithos_clean --delete-unused -D 30 --vmin 3 --keep-recent 1h',
      'remove it, keeping three versions of everything',
    ],
  ],
  options: [
    CONFIG_OPTION,
    { long: 'used', summary: 'list images in use (the default)' },
    { long: 'unused', summary: 'list images nobody needs' },
    { long: 'delete-unused', summary: 'delete them' },
    { long: 'history-days', short: 'D', argument: 'N', summary: 'keep images used in the last N days' },
    {
      long: 'versions-min',
      aliases: ['vmin'],
      argument: 'N',
      summary: 'keep the last N versions however old (default 0: the current one)',
    },
    {
      long: 'versions-max',
      aliases: ['vmax'],
      argument: 'N',
      summary: 'keep at most N versions (default 1000)',
    },
    {
      long: 'keep-recent',
      argument: 'DURATION',
      summary: 'leave directories alone that are newer, e.g. 1h or 2days',
    },
    { long: 'clean-logs', summary: 'also list or delete rotated files of the history that nothing needs' },
    { long: 'verbose', short: 'v', summary: 'with --delete-unused: print each deletion' },
  ],
  footer:
    'Exit codes: 0 done, 1 the configuration or a history cannot be read, 2 bad command line or an image directory cannot be read.',
};

const ACTIONS = ['used', 'unused', 'delete-unused'] as const;
const DEFAULT_VERSIONS_MAX = 1000;

class BadOption extends Error {}

function whole(run: ParsedRun, name: string): number | undefined {
  const text = run.options[name];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text))
    throw new BadOption(`--${name} takes a whole number`);
  return Number(text);
}

function actionOf(run: ParsedRun): CleanAction {
  const given = ACTIONS.filter(name => run.options[name] === true);
  if (given.length > 1) throw new BadOption(`--${given.join(' and --')} cannot be given together`);
  return given[0] ?? 'used';
}

function keepRecent(run: ParsedRun): number | undefined {
  const text = run.options['keep-recent'];
  if (text === undefined) return undefined;
  const duration = parseDurationMs(String(text));
  if (duration === undefined)
    throw new BadOption(`--keep-recent: \`${text}\` is no duration such as 30s, 1h or 2days`);
  return duration;
}

void runCommand(SPEC, async run => {
  try {
    return await clean({
      config: configOf(run),
      action: actionOf(run),
      historyDays: whole(run, 'history-days'),
      versionsMin: whole(run, 'versions-min') ?? 0,
      versionsMax: whole(run, 'versions-max') ?? DEFAULT_VERSIONS_MAX,
      keepRecentMs: keepRecent(run),
      cleanLogs: run.options['clean-logs'] === true,
      verbose: run.options.verbose === true,
    });
  } catch (error) {
    if (!(error instanceof BadOption)) throw error;
    process.stderr.write(`lithos_clean: ${error.message}\n`);
    return EXIT.usage;
  }
});
