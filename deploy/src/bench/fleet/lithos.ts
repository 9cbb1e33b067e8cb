import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exited, type Fleet } from './fleet.ts';
import { command, parent, pids, sleepers } from './processes.ts';
import { program, Words } from './words.ts';

/** A root with busybox and nothing else. */
export function makeRoot(root: string): void {
  for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'out', 'config', 'run'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
}

const CONTAINER = `executable: /bin/busybox
arguments: [sh, -c, '${program('/out')}']
environ: {BENCH: lithos}
restart-timeout: 0
user-id: 0
group-id: 0
volumes:
  /out: !Persistent { path: /out }
`;

/** An image `tiny` below `directory/images` with the program of all fleets as /config/app.yaml. */
export function makeImage(directory: string): void {
  const root = join(directory, 'images/tiny');
  makeRoot(root);
  writeFileSync(join(root, 'config/app.yaml'), CONTAINER);
}

function writeConfig(directory: string, count: number): void {
  for (const name of ['sandboxes', 'processes', 'log', 'dev'])
    mkdirSync(join(directory, name), { recursive: true });
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
  write('master.yaml', [
    `runtime-dir: ${join(directory, 'run')}`,
    `default-log-dir: ${join(directory, 'log')}`,
    `config-log-dir: ${join(directory, 'log/config')}`,
    `stdio-log-dir: ${join(directory, 'log/stderr')}`,
    `cgroup-name: bench-${process.pid}.slice`,
  ]);
  write('sandboxes/bench.yaml', [
    `image-dir: ${join(directory, 'images')}`,
    'allow-users: [0]',
    'allow-groups: [0]',
    `writable-paths: {/out: ${join(directory, 'out')}}`,
  ]);
  write('processes/bench.yaml', [`app: {image: tiny, config: /config/app.yaml, instances: ${count}}`]);
}

/** `directory`: on a tmpfs, as `/run` is everywhere. */
export function lithos(directory: string): Fleet {
  makeImage(directory);
  const words = new Words(join(directory, 'out'));
  let tree: ChildProcess | undefined;
  return {
    tag: 'lithos',
    name: 'lithos_tree',
    role: 'ours',
    words,
    prepare: count => writeConfig(directory, count),
    start() {
      const bin = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/lithos_tree');
      tree = spawn(bin, ['-C', join(directory, 'master.yaml')], { stdio: ['ignore', 'inherit', 'inherit'] });
    },
    pid: () => tree?.pid,
    helpers() {
      const monitors = pids().filter(
        pid => command(pid)[0]?.endsWith('conmon') && command(pid).some(word => word.startsWith(directory)),
      );
      return [...monitors, ...sleepers('lithos').map(parent)];
    },
    async stop() {
      if (tree === undefined) return;
      tree.kill('SIGTERM');
      await exited(tree);
      // The next one starts as on a host that was just booted.
      rmSync(join(directory, 'run'), { recursive: true, force: true });
    },
  };
}
