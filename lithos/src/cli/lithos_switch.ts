import type { CommandSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { SWITCH } from '../config/defaults.ts';
import { CONFIG_OPTION, configOf, JSON_OPTION, runCommand } from './shared-options.ts';
import { switchProcesses } from './switch.ts';

const SPEC: CommandSpec = {
  name: 'lithos_switch',
  summary:
    'Validates a new process config of one sandbox, puts it in place atomically and follows its roll-out.',
  usage: 'lithos_switch [OPTIONS] SANDBOX FILE | --rollback SANDBOX',
  examples: [
    ['lithos_switch web new.yaml', 'replace the process config of sandbox web, wait until it runs'],
    ['lithos_switch --dry-run web new.yaml', 'what would change'],
    ['lithos_switch --rollback web', 'back to the one before'],
    ['render | lithos_switch --no-wait web -', 'from a pipe, and do not wait'],
  ],
  options: [
    CONFIG_OPTION,
    {
      long: 'wait',
      argument: 'SECONDS',
      summary: `wait at most this long until the new config runs, then exit with 124 (default ${SWITCH.waitS})`,
    },
    { long: 'no-wait', summary: 'only put it in place and tell the tree' },
    { long: 'dry-run', summary: 'print what would change, change nothing' },
    { long: 'rollback', summary: 'take the previous process config; no FILE then' },
    { long: 'verbose', short: 'v', summary: 'say what was done' },
    JSON_OPTION,
  ],
  positionals: [
    { name: 'SANDBOX', summary: 'name of the sandbox' },
    {
      name: 'FILE',
      summary: 'the new process config; - for the standard input',
      optional: true,
      complete: 'file',
    },
  ],
  footer: [
    'Exit codes: 0 rolled out (or unchanged, or in place with --no-wait), 1 not valid, or it failed and the previous',
    'config is in place again, 2 bad command line, 124 in place but not everything runs in time.',
  ].join('\n'),
};

function mistake({ positionals, options }: ParsedRun): string | undefined {
  const { wait, rollback } = options;
  if (wait !== undefined && !(Number(wait) >= 0)) return '--wait needs a number of seconds';
  if (wait !== undefined && options['no-wait'] === true) return '--wait and --no-wait exclude each other';
  if (rollback === true) return positionals.length > 1 ? '--rollback takes no FILE' : undefined;
  return positionals.length < 2 ? 'FILE is missing' : undefined;
}

void runCommand(SPEC, async run => {
  const wrong = mistake(run);
  if (wrong !== undefined) {
    process.stderr.write(`lithos_switch: ${wrong}; see lithos_switch --help\n`);
    return EXIT.usage;
  }
  const { options, positionals } = run;
  const [sandbox = '', file] = positionals;
  return await switchProcesses({
    config: configOf(run),
    sandbox,
    file,
    waitS: options['no-wait'] === true ? undefined : Number(options.wait ?? SWITCH.waitS),
    dryRun: options['dry-run'] === true,
    verbose: options.verbose === true,
    json: options.json === true,
  });
});
