// What saves a restart its milliseconds: a monitor that is held back, a start without the runtime, a prepared move.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { cgroupPaths, controllerDirectory } from '../../src/linux/cgroup.ts';
import { ownCgroupMounts, removeCgroup } from '../../src/linux/cgroup-files.ts';
import { CgroupMoves } from '../../src/linux/cgroup-moves.ts';
import { isAlive } from '../../src/linux/proc.ts';
import { sealedCopy } from '../../src/linux/sealed-copy.ts';
import { writeBundle } from '../../src/oci/bundle.ts';
import { CompiledFilters } from '../../src/oci/compiled-filters.ts';
import { beginMonitored, type MonitorOptions } from '../../src/oci/monitor.ts';
import { probeRuntime, type RuntimeChoice, runtimeChoice } from '../../src/oci/probe.ts';
import { OciRuntime } from '../../src/oci/runtime.ts';
import { openBarrier, provesBarrier } from '../../src/oci/start-barrier.ts';
import { realProc } from '../../src/ports/real.ts';
import { bundle, laboratory, says, shell, spec } from '../helpers/sandbox.ts';

const directory = mkdtempSync(join(tmpdir(), 'quick-start-'));
const stateRoot = join(directory, 'state');
t.teardown(() => {
  removeCgroup(ownCgroupMounts(), `/test-oci-${process.pid}`);
  rmSync(directory, { recursive: true, force: true });
});

async function usable(): Promise<RuntimeChoice> {
  const choice = await probeRuntime(realProc);
  if (choice.kind === 'none') throw new Error(choice.message);
  return choice;
}

const lab = laboratory(directory);

async function options(runtime: OciRuntime, script: string): Promise<MonitorOptions> {
  const { id, path } = await bundle(await lab, spec(await lab, shell(script)));
  const files = {
    logPath: join(path, 'log'),
    pidFile: join(path, 'pid'),
    conmonPidFile: join(path, 'conmon.pid'),
  };
  const [exitDir, persistDir] = [join(directory, 'exits'), join(path, 'persist')];
  for (const each of [exitDir, persistDir]) mkdirSync(each, { recursive: true });
  return { runtime, id, bundle: path, exitDir, persistDir, ...files };
}

t.test(
  'a monitor that is held back makes no container until it is released, and none when it is abandoned',
  async t => {
    const runtime = new OciRuntime(await usable(), { stateRoot });
    for (const wanted of [true, false]) {
      const made = await options(runtime, 'sleep 60');
      const monitor = beginMonitored(made);
      // Another container takes its whole way meanwhile: this one had the time.
      const other = beginMonitored(await options(runtime, 'true'));
      other.release();
      t.match(await other.created, { pid: Number });
      t.notOk(existsSync(made.pidFile), 'nothing yet');
      if (wanted) monitor.release();
      else monitor.abandon();
      t.match(await monitor.created, wanted ? { pid: Number } : { error: { message: String } });
      t.equal(existsSync(made.pidFile), wanted);
      t.equal((await runtime.state(made.id)) !== undefined, wanted);
    }
    const left = await runtime.list();
    if (!Array.isArray(left)) throw new Error('list failed');
    for (const { id } of left) await runtime.delete(id, true);
  },
);

t.test('a trial clears away the container of one that was killed in the middle of it', async t => {
  const choice = await usable();
  if (choice.kind === 'runc') return t.pass('runc has no barrier of ours');
  const dead = spawnSync('true').pid;
  const left = join(directory, `barrier-trial-${dead}-Ab12Cd`);
  const { id, path } = await bundle(await lab, spec(await lab, shell('sleep 60')));
  const pidFile = join(directory, 'left.pid');
  const create = ['--root', join(left, 'state'), 'create', '--bundle', path, '--pid-file', pidFile, id];
  const [program = '', ...args] = choice.wrap([choice.program, ...create]);
  t.equal(spawnSync(program, args, { stdio: 'ignore' }).status, 0);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  t.ok(isAlive(pid), 'it waits');
  t.equal(await provesBarrier(choice, { workDirectory: directory }), true);
  t.notOk(existsSync(left));
  t.notOk(isAlive(pid));
});

t.test('the barrier of a created container is opened without the runtime, where that is proven', async t => {
  const choice = await usable();
  const proven = await provesBarrier(choice, { workDirectory: directory });
  t.equal(proven, choice.kind !== 'runc');
  t.equal(
    await provesBarrier(runtimeChoice({ ...choice, program: '/bin/false' }), { workDirectory: directory }),
    false,
    'a runtime that makes no container proves nothing',
  );
  const runtime = new OciRuntime(choice, { stateRoot, barrier: proven });
  const made = await options(runtime, 'echo here; sleep 60');
  const monitor = beginMonitored(made);
  monitor.release();
  await monitor.created;
  t.match(await runtime.state(made.id), { status: 'created' });
  t.equal(await runtime.start(made.id), undefined);
  await says(made.logPath, 'here');
  t.match(await runtime.state(made.id), { status: 'running' });
  t.equal(openBarrier(stateRoot, made.id), false, 'a second time there is none');
  t.match(await runtime.start(made.id), { error: /.{5}/ }, 'the runtime has the reason');
  await runtime.delete(made.id, true);
  t.equal(openBarrier(stateRoot, 'nothing-of-that-name'), false);
  mkdirSync(join(stateRoot, 'dead'), { recursive: true });
  await once(spawn('mkfifo', [join(stateRoot, 'dead', 'exec.fifo')]), 'exit');
  t.equal(openBarrier(stateRoot, 'dead'), false, 'nobody waits at it any more');
  rmSync(join(stateRoot, 'dead'), { recursive: true });
});

t.test('to expect a move changes no cgroup, and may be said at any time', async t => {
  const mounts = ownCgroupMounts();
  const before = readFileSync('/proc/self/cgroup', 'utf8');
  const moves = new CgroupMoves(mounts);
  const place = controllerDirectory(cgroupPaths(mounts, `/test-oci-${process.pid}/moves`), 'pids') as string;
  mkdirSync(place, { recursive: true });
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  moves.expectOne();
  moves.expectOne();
  writeFileSync(join(place, 'cgroup.procs'), String(child.pid));
  t.equal(readFileSync(join(place, 'cgroup.procs'), 'utf8'), `${child.pid}\n`);
  moves.expectOne();
  t.equal(readFileSync('/proc/self/cgroup', 'utf8'), before);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const none = new CgroupMoves({ layout: 'none', controllers: new Map(), unified: undefined });
  t.doesNotThrow(() => none.expectOne(), 'without cgroups there is nothing to expect');
});

t.test(
  'the seccomp filter of one container serves the next, and one that was not taken is noticed',
  async t => {
    const choice = await usable();
    if (choice.kind === 'runc')
      return t.same(
        new CompiledFilters(new OciRuntime(choice, { stateRoot })).apply({ linux: { seccomp: {} } }).use,
        undefined,
      );
    const runtime = new OciRuntime(choice, { stateRoot });
    const filters = new CompiledFilters(runtime);
    const create = async () => {
      const made = await options(runtime, 'grep ^Seccomp: /proc/self/status; unshare --user true; echo done');
      const bare = JSON.parse(readFileSync(join(made.bundle, 'config.json'), 'utf8'));
      const { config, use } = filters.apply(bare);
      await writeBundle(made.bundle, config);
      const monitor = beginMonitored(made);
      monitor.release();
      await monitor.created;
      if (use === undefined) throw new Error('no list');
      return { made, use };
    };
    const first = await create();
    t.equal(first.use.filter, undefined, 'not known yet');
    filters.check(first.made.id, first.use);
    const second = await create();
    t.type(second.use.filter, 'string');
    filters.check(second.made.id, second.use);
    await runtime.start(second.made.id);
    await says(second.made.logPath, 'done');
    const said = readFileSync(second.made.logPath, 'utf8');
    t.match(said, /Seccomp:\s2/);
    t.match(said, /Operation not permitted/);
    t.throws(
      () => filters.check(first.made.id, { ...second.use, filter: 'AAAA' }),
      /did not take the seccomp filter/,
    );
    t.equal(filters.apply({ linux: { seccomp: {} } }).use, undefined, 'later ones are compiled again');
    for (const { made } of [first, second]) await runtime.delete(made.id, true);
  },
);

t.test('a copy of a program in memory runs, and nobody can change it', async t => {
  const copy = sealedCopy('/bin/echo');
  t.equal(execFileSync(copy, ['hello']).toString(), 'hello\n');
  t.throws(() => writeFileSync(copy, 'x', { flag: 'r+' }), { code: 'EPERM' });
  t.throws(() => sealedCopy('/nowhere'), { code: 'ENOENT' });
});
