import type { CommandSpec } from '@suite/shared/cli/command.ts';
import { LOG_LEVELS } from '@suite/shared/cli/log.ts';
import { CONFIG_OPTION } from './shared-options.ts';

/** Apart from its command, because lithos_ps reads the command lines of running trees with it. */
export const TREE_SPEC: CommandSpec = {
  name: 'lithos_tree',
  summary: 'Supervises the sandboxed processes of this host; can be PID 1.',
  examples: [
    ['lithos_tree', 'run in the foreground with the installed config'],
    ['lithos_tree -C ./master.yaml --log-stderr', 'try a config and see the log'],
  ],
  options: [
    CONFIG_OPTION,
    { long: 'log-stderr', summary: 'also write the log to stderr' },
    { long: 'log-console', summary: 'also write the log to /dev/console (PID 1 of a machine always does)' },
    { long: 'log-level', argument: 'LEVEL', summary: 'what goes into the log', choices: LOG_LEVELS },
  ],
  footer: [
    'Signals: HUP reads the configuration again, QUIT replaces the running program in place (upgrade),',
    'TERM, INT and PWR stop everything in order. Containers survive a crash of lithos_tree and an upgrade.',
    'Exit codes: 0 stopped, 1 fatal error, 2 bad command line, 127 conmon, catatonit or a runtime is missing.',
  ].join('\n'),
};
