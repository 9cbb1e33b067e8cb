import { lookup } from 'node:dns/promises';
import { hostname as osHostname } from 'node:os';
import { join } from 'node:path';
import { type CommandLine, type OptionValue, parseCommandLine } from '@suite/shared/cli/command.ts';
import { createLogger, type Logger, parseLogLevel } from '@suite/shared/cli/log.ts';
import { realClock, realDisk, realNet, realProc, realRandom } from '@suite/shared/ports/real.ts';
import { readMachineId } from '../adapters/machine-id.ts';
import * as defaults from '../config/defaults.ts';
import { startServer } from '../daemon/api/server.ts';
import { StartError, VerwalterNode } from '../daemon/node.ts';
import { type DaemonOptions, EXIT_CODE } from '../daemon/options.ts';
import { VERWALTER } from './verwalter-spec.ts';

declare const SUITE_VERSION: string;

const USAGE = 2;
type Options = Readonly<Record<string, OptionValue>>;

/** A value that the command line cannot have; printed as one line. */
function usage(message: string): never {
  throw new StartError(USAGE, `${message}\nTry \`verwalter --help\`.`);
}

function text(options: Options, name: string, fallback: string): string {
  const value = options[name];
  return typeof value === 'string' ? value : fallback;
}

function whole(options: Options, name: string, fallback: number, min: number, max: number): number {
  const value = options[name];
  if (typeof value !== 'string') return fallback;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max)
    usage(`--${name} must be a whole number from ${min} to ${max}`);
  return number;
}

async function machineId(options: Options): Promise<string> {
  const given = options['override-machine-id'];
  if (typeof given === 'string') {
    if (!/^([0-9a-fA-F]{2}){1,64}$/.test(given))
      usage('--override-machine-id must be an even number of hex digits');
    return given.toLowerCase();
  }
  const read = await readMachineId(defaults.MACHINE_ID_FILE);
  if ('error' in read) throw new StartError(EXIT_CODE.config, read.error);
  return read.id;
}

async function addresses(host: string): Promise<string[]> {
  try {
    return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))];
  } catch (error) {
    throw new StartError(EXIT_CODE.config, `--host ${host}: ${(error as Error).message}`);
  }
}

async function daemonOptions(options: Options): Promise<DaemonOptions> {
  if (options['use-sudo'] === true)
    usage("--use-sudo is not available yet: the renderer runs as the daemon's own user");
  const hostname = text(options, 'hostname', osHostname());
  const cantalUrl = text(options, 'cantal', defaults.CANTAL_URL).replace(/\/+$/, '');
  if (!URL.canParse(cantalUrl) || !cantalUrl.startsWith('http://'))
    usage(`--cantal ${cantalUrl} is not an http:// address`);
  return {
    version: SUITE_VERSION,
    machineId: await machineId(options),
    hostname,
    name: text(options, 'name', hostname),
    addresses: await addresses(text(options, 'host', defaults.HOST)),
    port: whole(options, 'port', defaults.PORT, 1, 65_535),
    configDir: text(options, 'config-dir', defaults.CONFIG_DIR),
    storageDir: text(options, 'storage-dir', defaults.STORAGE_DIR),
    logDir: text(options, 'log-dir', defaults.LOG_DIR),
    cantalUrl,
    peerStaleMs: whole(options, 'peer-stale-ms', defaults.PEER_STALE_MS, 1_000, 600_000),
    engine: text(options, 'engine', 'wasmoon') === 'fengari' ? 'fengari' : 'wasmoon',
    dryRun: options['dry-run'] === true,
    forceLeader: options['debug-force-leader'] === true,
    allowMinority: options['allow-minority-cluster'] === true,
    frontend: text(options, 'default-frontend', defaults.FRONTEND),
    // The bundle lies in verwalter/dist, the UI in ui/dist of the same tree.
    uiDir: text(options, 'ui-dir', join(__dirname, '..', '..', 'ui', 'dist', 'verwalter')),
  };
}

function logger(options: Options, id: string): Logger {
  return createLogger({
    write: line => process.stderr.write(line),
    wallMs: () => Date.now(),
    level: parseLogLevel(text(options, 'log-level', 'info')) ?? 'info',
    format: options['log-json'] === true ? 'json' : 'plain',
    unit: options['log-id'] === true ? id : 'verwalter',
  });
}

async function serve(options: Options): Promise<void> {
  const settings = await daemonOptions(options);
  const log = logger(options, settings.machineId);
  const ports = { clock: realClock, random: realRandom, net: realNet, disk: realDisk, proc: realProc };
  const node = await VerwalterNode.create({ options: settings, ports, log });
  const closeServer = await startServer(node).catch(error => {
    throw new StartError(EXIT_CODE.listener, `TCP port ${settings.port}: ${(error as Error).message}`);
  });
  await node.start();
  log.info(`listening on ${settings.addresses.join(', ')} port ${settings.port}`, { id: settings.machineId });
  let ending = false;
  const end = async (code: number, reason: string) => {
    if (ending) return;
    ending = true;
    log.info(`ending: ${reason}`);
    // Whatever hangs, the process ends: its supervisor waits for that.
    setTimeout(() => process.exit(code), 5_000).unref();
    await closeServer();
    await node.stop();
    process.exit(code);
  };
  node.onFatal = (code, reason) => void end(code, reason);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(0, signal));
}

async function main(line: CommandLine): Promise<void> {
  switch (line.kind) {
    case 'help':
      process.stdout.write(line.text);
      return;
    case 'version':
      process.stdout.write(`${SUITE_VERSION}\n`);
      return;
    case 'usage-error':
      process.stderr.write(line.text);
      process.exitCode = USAGE;
      return;
    case 'run':
      await serve(line.options);
  }
}

main(parseCommandLine(VERWALTER, process.argv.slice(2), { env: process.env })).catch(error => {
  process.stderr.write(
    `verwalter: ${error instanceof StartError ? error.message : (error.stack ?? error)}\n`,
  );
  process.exit(error instanceof StartError ? error.code : 1);
});
