import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { exited, type Fleet } from './fleet.ts';
import { makeRoot } from './lithos.ts';
import { parallel } from './parallel.ts';
import { command, parent, pids, sleepers } from './processes.ts';
import { program, Words } from './words.ts';

/** As root may use more at a time than a machine has processors for: they wait for each other's locks. */
const AT_ONCE = 4;

async function run(argv: readonly string[]): Promise<void> {
  const child = spawn('podman', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', chunk => {
    said += chunk;
  });
  await exited(child);
  if (child.exitCode !== 0) throw new Error(`podman ${argv.at(-1)}: ${said.trim().slice(-500)}`);
}

/** Containers from a directory, with the same init, network and restart policy as ours. No daemon stays. */
export function podman(directory: string): Fleet {
  const root = join(directory, 'rootfs');
  makeRoot(root);
  mkdirSync(join(directory, 'store'), { recursive: true });
  const words = new Words(join(directory, 'out'));
  const store = ['--root', join(directory, 'store'), '--runroot', join(directory, 'run')];
  const common = [...store, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--runtime', 'crun'];
  // Its own defaults are above the hard limits of many machines.
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'];
  const options = [
    '-d',
    '--init',
    '--network',
    'host',
    '--log-driver',
    'k8s-file',
    '--restart',
    'always',
    ...limits,
  ];
  const inside = ['-e', 'BENCH=podman', '-v', `${words.directory}:/out`, '--rootfs', root];
  const start = () =>
    run([...common, 'run', ...options, ...inside, '/bin/busybox', 'sh', '-c', program('/out')]);
  let wanted = 0;
  return {
    tag: 'podman',
    name: 'podman run -d --restart always',
    role: 'peer',
    words,
    prepare(count) {
      wanted = count;
    },
    start: () => parallel(wanted, AT_ONCE, start),
    pid: () => undefined,
    helpers() {
      const monitors = pids().filter(
        pid => command(pid)[0]?.endsWith('conmon') && command(pid).some(word => word.startsWith(directory)),
      );
      return [...monitors, ...sleepers('podman').map(parent)];
    },
    stop: () => run([...common, 'rm', '--force', '--all', '--time', '0']),
  };
}
