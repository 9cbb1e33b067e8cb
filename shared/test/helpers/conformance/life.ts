// Create, start, kill and delete, in order and out of it.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { cgroupPaths, controllerDirectory } from '../../../src/linux/cgroup.ts';
import { ownCgroupMounts } from '../../../src/linux/cgroup-files.ts';
import type { SandboxSpec } from '../../../src/oci/sandbox.ts';
import { bundle, shell, spec } from '../sandbox.ts';
import { type Case, CGROUPS, cli, type Idea } from './case.ts';

async function started(t: Test, each: Case, changes: Partial<SandboxSpec> = {}, script = 'sleep 60') {
  const { id, path } = await bundle(
    each.lab,
    spec(each.lab, shell(script), { init: { hostPath: '/usr/bin/catatonit' }, ...changes }),
  );
  const pidFile = join(path, 'pid');
  const created = cli(each.runtime, 'create', '--bundle', path, '--pid-file', pidFile, id);
  t.equal(created.status, 0, created.stderr);
  return { id, path, pid: Number(readFileSync(pidFile, 'utf8')) };
}

async function becomes(each: Case, id: string, status: string): Promise<void> {
  const giveUp = Date.now() + 60_000;
  for (;;) {
    const state = await each.runtime.state(id);
    if (state !== undefined && 'status' in state && state.status === status) return;
    if (Date.now() > giveUp) throw new Error(`${id} did not become ${status}`);
  }
}

export const LIFE: Record<string, Idea> = {
  'create, start, state, pidfile: in this order': async (t, each) => {
    const { id, path, pid } = await started(t, each);
    t.match(await each.runtime.state(id), { id, status: 'created', pid, bundle: path });
    t.match(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
      /^NSpid:\t.*\t1$/m,
      'the pid file names its first process',
    );
    t.equal(await each.runtime.start(id), undefined);
    await becomes(each, id, 'running');
    t.match(await each.runtime.start(id), { error: /.{5}/ }, 'a second start is an error');
    t.not(cli(each.runtime, 'create', '--bundle', path, id).status, 0, 'and so is a second one of that name');
    await each.runtime.delete(id, true);
  },
  'state: annotations are kept': async (t, each) => {
    const annotations = { 'org.example.one': 'a "b" ü', two: '' };
    const { id } = await started(t, each, { annotations });
    t.match(await each.runtime.state(id), { annotations });
    await each.runtime.delete(id, true);
  },
  'delete: a running one is refused, a stopped one goes with its cgroup': async (t, each) => {
    const cgroupPath = `${CGROUPS}/deleted`;
    const { id } = await started(t, each, { cgroupPath });
    await each.runtime.start(id);
    t.match(await each.runtime.delete(id), { error: /.{5}/ });
    await becomes(each, id, 'running');
    await each.runtime.kill(id, 'SIGKILL');
    await becomes(each, id, 'stopped');
    t.equal(await each.runtime.delete(id), undefined);
    t.equal(await each.runtime.state(id), undefined);
    const pids = controllerDirectory(cgroupPaths(ownCgroupMounts(), cgroupPath), 'pids') as string;
    t.equal(existsSync(pids), false);
  },
  'kill, killsig: the signal that was asked for': async (t, each) => {
    const script = 'trap "exit 0" USR1; touch /data/ready; while :; do sleep 0.01; done';
    const ready = join(each.lab.root, 'data', 'ready');
    for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGKILL'] as const) {
      const { id } = await started(t, each, { readonlyRoot: false }, script);
      await each.runtime.start(id);
      const giveUp = Date.now() + 60_000;
      while (!existsSync(ready) && Date.now() < giveUp) await new Promise(resolve => setTimeout(resolve, 2));
      t.equal(await each.runtime.kill(id, signal), undefined);
      await becomes(each, id, 'stopped');
      rmSync(ready, { force: true });
      await each.runtime.delete(id);
    }
  },
  'kill_no_effect: one that has stopped, or never was, is no failure': async (t, each) => {
    const { id } = await started(t, each, {}, 'true');
    await each.runtime.start(id);
    await becomes(each, id, 'stopped');
    t.equal(await each.runtime.kill(id, 'SIGTERM'), undefined);
    await each.runtime.delete(id);
    t.equal(await each.runtime.kill('never-was', 'SIGTERM'), undefined);
  },
  'misc_props: a document that is none is an error': async (t, each) => {
    const { id, path } = await bundle(each.lab, spec(each.lab, ['/bin/true']));
    const file = join(path, 'config.json');
    const good = JSON.parse(readFileSync(file, 'utf8'));
    for (const text of ['', '[]', JSON.stringify({ ...good, process: undefined, root: undefined })]) {
      writeFileSync(file, text);
      t.not(cli(each.runtime, 'run', '--bundle', path, id).status, 0);
    }
    t.equal(await each.runtime.state(id), undefined);
    writeFileSync(file, JSON.stringify({ ...good, 'x-unknown': { a: 1 } }));
    t.equal(cli(each.runtime, 'run', '--bundle', path, id).status, 0, 'what it does not know is ignored');
  },
};
