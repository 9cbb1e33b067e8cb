import type { CommandSpec } from '@suite/shared/cli/command.ts';
import { CONFIG_OPTION, configOf, JSON_OPTION, runCommand } from './shared-options.ts';
import { switchProcesses } from './switch.ts';

const SPEC: CommandSpec = {
  name: 'lithos_switch',
  summary:
    'Validates a new process config of one sandbox, puts it in place atomically and has it rolled out.',
  examples: [
    ['lithos_switch web new.yaml', 'replace the process config of sandbox web'],
    ['lithos_switch --wait 30 web new.yaml', 'and wait until everything of it runs'],
  ],
  options: [
    CONFIG_OPTION,
    {
      long: 'wait',
      argument: 'SECONDS',
      summary: 'wait until the new config runs, at most this long (then exit code 124)',
    },
    { long: 'verbose', short: 'v', summary: 'say what was done' },
    JSON_OPTION,
  ],
  positionals: [
    { name: 'SANDBOX', summary: 'name of the sandbox' },
    { name: 'FILE', summary: 'the new process config', complete: 'file' },
  ],
  footer:
    'Exit codes: 0 in place (or unchanged), 1 not valid or not written: nothing changed, 2 bad command line, 124 waited in vain.',
};

void runCommand(SPEC, async run => {
  const [sandbox = '', file = ''] = run.positionals;
  return await switchProcesses({
    config: configOf(run),
    sandbox,
    file,
    waitS: run.options.wait === undefined ? undefined : Number(run.options.wait),
    verbose: run.options.verbose === true,
    json: run.options.json === true,
  });
});
