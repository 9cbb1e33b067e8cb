// One host: a process in its own mount, pid, uts, ipc and network namespaces that becomes lithos_tree.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS_MS } from '../defaults.ts';
import { hostPlaces, type Places } from '../places.ts';
import type { DemoPlan, HostPlan } from '../plan.ts';
import { cleanEnvironment, DemoError, DIES_WITH_US } from '../run.ts';
import { waitFor } from '../wait.ts';
import { type Hierarchy, makeCgroups } from './cgroups.ts';
import { connectHost } from './network.ts';

export interface Host {
  readonly plan: HostPlan;
  /** The host's PID 1 as the machine sees it. */
  readonly pid: number;
  readonly launcher: ChildProcess;
}

const NAMESPACES = [
  '--mount',
  '--uts',
  '--ipc',
  '--net',
  '--pid',
  '--fork',
  '--kill-child=KILL',
  '--propagation',
  'private',
];

export interface HostOptions {
  readonly plan: DemoPlan;
  readonly places: Places;
  readonly hierarchies: readonly Hierarchy[];
  readonly signal: AbortSignal;
}

/** Resolves when lithos_tree is PID 1 of the new host. */
export async function startHost(host: HostPlan, options: HostOptions): Promise<Host> {
  const { places, signal } = options;
  const own = hostPlaces(places, host.name);
  mkdirSync(own.logs, { recursive: true });
  const launcher = launch(places, variablesOf(host, options));
  const stop = (): boolean => launcher.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const pid = await firstProcess(launcher, host.name);
    await connectHost(options.plan, host, pid);
    launcher.stdin?.end('go\n');
    await waitFor(() => isTree(pid, launcher, `${host.name}: ${tail(own.console)}`), {
      what: `${host.name}: lithos_tree as its PID 1`,
      deadlineMs: LIMITS_MS.hostUp,
      signal,
      explain: () => tail(own.console),
    });
    return { plan: host, pid, launcher };
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function variablesOf(host: HostPlan, options: HostOptions): Record<string, string> {
  const { plan, places, hierarchies } = options;
  const own = hostPlaces(places, host.name);
  return {
    DEMO_HOST: host.name,
    DEMO_ADDRESS: host.address,
    DEMO_LINK: host.innerLink,
    DEMO_ROOT: places.root,
    DEMO_DIRECTORY: own.directory,
    DEMO_IMAGES: places.roots,
    DEMO_LOGS: own.logs,
    DEMO_CGROUPS: makeCgroups(hierarchies, plan.cgroup, host.name).join(' '),
    DEMO_NODE: process.execPath,
    DEMO_TREE: join(places.root, 'lithos', 'bin', 'lithos_tree.cjs'),
  };
}

/** Ends everything that runs on the host, at once, as pulling its plug would. */
export async function killHost(host: Host): Promise<void> {
  const { launcher } = host;
  const gone = new Promise<void>(resolve => onEnd(host, resolve));
  if (launcher.exitCode !== null || launcher.signalCode !== null) return;
  try {
    process.kill(host.pid, 'SIGKILL');
  } catch {
    launcher.kill('SIGKILL');
  }
  await gone;
}

/** Calls `ended` when nothing runs on the host any more; at once when that is so already. */
export function onEnd({ launcher }: Host, ended: () => void): void {
  if (launcher.exitCode !== null || launcher.signalCode !== null) ended();
  else launcher.once('exit', ended);
}

function launch(places: Places, variables: Record<string, string>): ChildProcess {
  const script = join(places.data, 'host', 'init.sh');
  const [program = '', ...words] = [...DIES_WITH_US, 'unshare', ...NAMESPACES, '--', 'sh', script];
  const launcher = spawn(program, words, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...variables },
  });
  // EPIPE: it ended before it was told to go; its exit says so.
  launcher.stdin.on('error', () => {});
  return launcher;
}

/** init.sh prints its pid first; anything else is why it could not start. */
function firstProcess(launcher: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
      const match = /^pid (\d+)$/m.exec(text);
      if (match !== null) resolve(Number(match[1]));
    };
    launcher.stdout?.on('data', look);
    launcher.stderr?.on('data', look);
    launcher.once('error', error => reject(new DemoError(`${name}: ${error.message}`)));
    launcher.once('exit', () => reject(new DemoError(`${name} could not be made: ${text.trim()}`)));
  });
}

function isTree(pid: number, launcher: ChildProcess, said: string): true | undefined {
  if (launcher.exitCode !== null || launcher.signalCode !== null) {
    throw new DemoError(
      `the first process of ${said}\nended with ${launcher.exitCode ?? launcher.signalCode}`,
    );
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('lithos_tree') ? true : undefined;
  } catch {
    return undefined;
  }
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-10).join('\n');
  } catch {
    return '';
  }
}
