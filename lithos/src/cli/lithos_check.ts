import type { CommandSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { checkContainers, checkHost } from './check.ts';
import { CONFIG_OPTION, configOf, JSON_OPTION, runCommand } from './shared-options.ts';

const SPEC: CommandSpec = {
  name: 'lithos_check',
  summary:
    'Checks the configuration of this host, or of container files alone, and reports every error at once.',
  examples: [
    ['lithos_check', 'check the installed configuration'],
    [
      'lithos_check --sandbox web --alternate-config new.yaml',
      'check a process config before it is installed',
    ],
    ['lithos_check --check-container config/web.yaml', 'check a container file without any host config'],
    ['lithos_check --plan', 'also say what a reload would do'],
  ],
  options: [
    CONFIG_OPTION,
    {
      long: 'sandbox',
      short: 'T',
      aliases: ['sandbox-name', 'tree', 'subtree-name'],
      argument: 'NAME',
      summary: 'sandbox that --alternate-config refers to',
    },
    {
      long: 'alternate-config',
      argument: 'FILE',
      summary: 'check this process config in place of the installed one',
      complete: 'file',
    },
    {
      long: 'check-container',
      argument: 'FILE',
      repeat: true,
      summary: 'check only this container file',
      complete: 'file',
    },
    { long: 'plan', summary: 'print what a reload would start, stop and keep' },
    { long: 'verbose', short: 'v', summary: 'also print the host name, its address and what was checked' },
    JSON_OPTION,
  ],
  footer: 'Exit codes: 0 no error, 1 at least one error, 2 bad command line.',
};

function run(parsed: ParsedRun): Promise<number> {
  const { options } = parsed;
  const json = options.json === true;
  const containers = options['check-container'] as readonly string[] | undefined;
  if (containers !== undefined && containers.length > 0) return checkContainers(containers, json);
  return checkHost({
    config: configOf(parsed),
    sandbox: options.sandbox as string | undefined,
    alternate: options['alternate-config'] as string | undefined,
    plan: options.plan === true,
    verbose: options.verbose === true,
    json,
  });
}

void runCommand(SPEC, run);
