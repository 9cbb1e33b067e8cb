import type { CommandSpec } from '@suite/shared/cli/command.ts';
import { LOG_LEVELS } from '@suite/shared/cli/log.ts';
import { runCommandOf } from './cmd.ts';
import { CONFIG_OPTION, configOf, runCommand } from './shared-options.ts';

const SPEC: CommandSpec = {
  name: 'lithos_cmd',
  summary: 'Runs a command of a sandbox, in a container like those of its daemons.',
  usage: 'lithos_cmd [OPTIONS] SANDBOX NAME [ARG…]',
  examples: [
    [
      'lithos_cmd web manage migrate',
      'run the entry `manage` (kind: Command) of sandbox web with one argument',
    ],
    ['lithos_cmd web shell', 'with `interactive: true` in its container config it has your terminal'],
  ],
  options: [
    CONFIG_OPTION,
    { long: 'log-stderr', summary: 'say on stderr too what goes into the log of the sandbox' },
    { long: 'log-level', argument: 'LEVEL', summary: 'what goes into the log', choices: LOG_LEVELS },
  ],
  positionals: [
    { name: 'SANDBOX', summary: 'name of the sandbox' },
    { name: 'NAME', summary: 'name of the entry in its process config' },
    { name: 'ARG', summary: 'further arguments of the program', optional: true, repeat: true },
  ],
  stopAtPositional: true,
  footer:
    'Exit codes: that of the program, 128 + N when signal N ended it; 126 when it could not be started or the configuration is wrong; 2 bad command line.',
};

void runCommand(SPEC, async run => {
  const [sandbox = '', name = '', ...args] = run.positionals;
  const code = await runCommandOf({
    config: configOf(run),
    sandbox,
    name,
    args,
    logStderr: run.options['log-stderr'] === true,
    logLevel: run.options['log-level'] as string | undefined,
  });
  // A terminal on stdin keeps Node alive.
  process.exit(code);
});
