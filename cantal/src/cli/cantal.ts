import { join } from 'node:path';
import { type ParsedRun, parseCommandLine } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { createLogger, parseLogLevel } from '@suite/shared/cli/log.ts';
import { realClock, realDisk, realNet, realRandom } from '@suite/shared/ports/real.ts';
import { printArgument } from '../adapters/print.ts';
import { type CantalOptions, parseOptions } from '../config/options.ts';
import { createAgent } from '../daemon/agent.ts';
import { COMMAND } from './command.ts';

declare const SUITE_VERSION: string;

/** A supervisor tells by this code that scanning ended; kept from earlier cantals. */
const EXIT_SCAN_ENDED = 82;

function print(files: readonly string[]): number {
  let code: number = EXIT.ok;
  for (const argument of files) {
    try {
      for (const line of printArgument(argument)) console.log(line);
    } catch (error) {
      console.error(`cantal: ${error instanceof Error ? error.message : error}`);
      code = EXIT.failed;
    }
  }
  return code;
}

async function runDaemon(options: CantalOptions): Promise<void> {
  const log = createLogger({
    write: line => process.stderr.write(line),
    wallMs: realClock.wallMs,
    level: parseLogLevel(process.env.CANTAL_LOG ?? '') ?? 'info',
  });
  const onScanFailure = (error: unknown): void => {
    log.error('scanning ended', { error });
    process.exit(EXIT_SCAN_ENDED);
  };
  const publicDirectory = process.env.CANTAL_PUBLIC ?? join(__dirname, '..', '..', 'ui', 'dist', 'cantal');
  const world = { clock: realClock, random: realRandom, net: realNet, disk: realDisk, log, publicDirectory };
  const agent = await createAgent(options, { ...world, onScanFailure });
  const stop = (): void => {
    agent.stop().finally(() => process.exit(EXIT.ok));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  await agent.start();
}

/** What the operator can do about an address that cannot be had. */
function startFailure(error: unknown, { host, port }: CantalOptions): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'EADDRINUSE') {
    return `${host}:${port} is in use (EADDRINUSE), perhaps by another cantal\nhint: choose another --port, or find it with \`ss -lntup\``;
  }
  if (code === 'EADDRNOTAVAIL')
    return `${host} is no address of this host (EADDRNOTAVAIL)\nhint: \`ip address\` lists what --host may be`;
  if (code === 'EACCES')
    return `no right to listen on ${host}:${port} (EACCES)\nhint: use a --port above 1023`;
  return error instanceof Error ? error.message : String(error);
}

function start(line: ParsedRun): void {
  const parsed = parseOptions(line.options);
  if (!parsed.ok) {
    console.error(`cantal: ${parsed.error}\nTry \`cantal --help\`.`);
    process.exitCode = EXIT.usage;
    return;
  }
  runDaemon(parsed.value).catch((error: unknown) => {
    console.error(`cantal: ${startFailure(error, parsed.value)}`);
    process.exit(EXIT.usage);
  });
}

function run(line: ParsedRun): void {
  if (line.command[0] === 'print') process.exitCode = print(line.positionals);
  else start(line);
}

function main(argv: readonly string[]): void {
  const line = parseCommandLine(COMMAND, argv, { env: process.env });
  switch (line.kind) {
    case 'help':
      process.stdout.write(line.text);
      return;
    case 'version':
      console.log(`cantal ${SUITE_VERSION}`);
      return;
    case 'usage-error':
      process.stderr.write(line.text);
      process.exitCode = EXIT.usage;
      return;
    case 'run':
      run(line);
  }
}

main(process.argv.slice(2));
