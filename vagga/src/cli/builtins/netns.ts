// `_create_netns`, `_destroy_netns`: the gateway over which networks of tests reach the host and the world.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { currentIds } from '../../adapters/namespace/current.ts';
import { mapProcess } from '../../adapters/namespace/enter.ts';
import {
  findGateway,
  gatewayFiles,
  hostParts,
  makeGatewayFiles,
  nftInside,
} from '../../adapters/network/gateway.ts';
import { forwardInside, ipInside, NetworkError } from '../../adapters/network/namespaces.ts';
import {
  createCommands,
  destroyCommands,
  GATEWAY_FILTER,
  GATEWAY_LINES,
  type HostCommand,
} from '../../core/network/gateway.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';

const OPTIONS = [
  flag('dry-run', ['--dry-run'], 'Only print the commands'),
  flag('no-iptables', ['--no-iptables'], 'Leave the packet filter of the host alone'),
];

const isRoot = () => process.getuid?.() === 0;
const asRoot = (words: readonly string[]) => (isRoot() ? words : ['sudo', ...words]);

function show(commands: readonly (readonly string[])[]): void {
  const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text}'`);
  const lines = commands.map(words => `    ${asRoot(words).map(word).join(' ')}\n`);
  process.stdout.write(`These commands change the network of this machine:\n${lines.join('')}`);
}

function succeeds(words: readonly string[], stderr: 'inherit' | 'ignore'): boolean {
  const [program = '', ...rest] = asRoot(words);
  return spawnSync(program, rest, { stdio: ['inherit', 'ignore', stderr] }).status === 0;
}

function perform({ words, check }: HostCommand): void {
  if (check !== undefined && succeeds(check, 'ignore')) return;
  if (!succeeds(words, 'inherit')) throw new NetworkError(`failed: ${asRoot(words).join(' ')}`);
}

/** A process in new namespaces; it ends when its input does. */
async function startHolder(): Promise<ChildProcess> {
  const namespaces = currentIds().ids.kind === 'real' ? ['--net'] : ['--user', '--net'];
  const holder = spawn('unshare', [...namespaces, 'sh', '-c', 'echo made; read -r _'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout?.once('data', () => resolve());
    holder.once('exit', code => reject(new NetworkError(`no namespace: unshare ended with ${code}`)));
  });
  mapProcess(holder.pid ?? 0);
  return holder;
}

/** From inside: this needs no right of the host. */
function finish(): void {
  const { network, user } = gatewayFiles();
  const isReal = currentIds().ids.kind === 'real';
  const place = [...(isReal ? [] : [`--user=${user}`]), `--net=${network}`];
  forwardInside(place);
  ipInside(place, GATEWAY_LINES);
  nftInside(place, GATEWAY_FILTER);
}

async function createGateway(filter: boolean, dry: boolean): Promise<number> {
  if (findGateway() !== undefined) return say(121, 'Namespaces already created');
  const parts = hostParts(filter);
  const holder = dry ? undefined : await startHolder();
  try {
    const commands = createCommands({ ...parts, pid: String(holder?.pid ?? 'PID') });
    show(commands.map(({ words }) => words));
    if (dry) return 0;
    makeGatewayFiles();
    for (const command of commands) perform(command);
    finish();
    return 0;
  } finally {
    holder?.stdin?.end();
  }
}

function destroyGateway(filter: boolean, dry: boolean): number {
  const commands = destroyCommands(hostParts(filter));
  show(commands);
  if (dry) return 0;
  // What is not there need not be taken away.
  for (const words of commands) succeeds(words, 'ignore');
  for (const path of Object.values(gatewayFiles())) rmSync(path, { force: true });
  return 0;
}

async function orProblem(work: () => number | Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NetworkError) return say(121, error.message);
    throw error;
  }
}

export const createNetns = {
  ...entry(
    {
      name: 'vagga _create_netns',
      description: 'Connect networks of tests with that of the host',
      options: OPTIONS,
      positionals: [],
    },
    (_, { given }) => orProblem(() => createGateway(!has(given, 'no-iptables'), has(given, 'dry-run'))),
  ),
  outside: true,
};

export const destroyNetns = {
  ...entry(
    {
      name: 'vagga _destroy_netns',
      description: 'Undo what _create_netns has done',
      options: OPTIONS,
      positionals: [],
    },
    (_, { given }) => orProblem(() => destroyGateway(!has(given, 'no-iptables'), has(given, 'dry-run'))),
  ),
  outside: true,
};
