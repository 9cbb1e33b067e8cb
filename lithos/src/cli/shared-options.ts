// What all commands of lithos have in common on their command line.
import type { CommandSpec, OptionSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { parseCommandLine } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { DEFAULTS } from '../config/defaults.ts';

declare const SUITE_VERSION: string;
export const VERSION = SUITE_VERSION;

export const CONFIG_OPTION: OptionSpec = {
  long: 'config',
  short: 'C',
  aliases: ['master'],
  argument: 'FILE',
  summary: `master config (default ${DEFAULTS.masterPath})`,
  complete: 'file',
};

export const JSON_OPTION: OptionSpec = { long: 'json', summary: 'print the result as one JSON object' };

export function configOf(run: ParsedRun): string {
  return (run.options.config as string | undefined) ?? DEFAULTS.masterPath;
}

/** `lithos_ps | head -1`, or a tree whose log reader has ended: nobody reads on, which is no reason to fail. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Parses and runs; help and version go to stdout, a bad command line to stderr with exit code 2. */
export async function runCommand(
  spec: CommandSpec,
  run: (parsed: ParsedRun) => Promise<number>,
  { usageExit = EXIT.usage }: { readonly usageExit?: number } = {},
): Promise<void> {
  ignoreClosedPipes();
  const parsed = parseCommandLine(spec, process.argv.slice(2), {
    env: process.env,
    width: process.stdout.columns ?? 80,
  });
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(parsed.text);
      return;
    case 'version':
      process.stdout.write(`${spec.name} ${VERSION}\n`);
      return;
    case 'usage-error':
      process.stderr.write(parsed.text);
      process.exitCode = usageExit;
      return;
    case 'run':
      process.exitCode = await run(parsed);
  }
}
