// The safety net beside exit files that inotify announces, with real processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@suite/shared/cli/log.ts';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import { realClock } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { ExitWatch } from '../../src/adapters/exits.ts';
import type { HostPaths } from '../../src/adapters/paths.ts';
import { PIDS } from '../../src/config/defaults.ts';
import { LiveRuns } from '../../src/daemon/live-runs.ts';

const DEADLINE_MS = 60_000;

type Test = Pick<typeof t, 'teardown' | 'testdir'>;

const silent = createLogger({
  write: () => undefined,
  wallMs: Date.now,
  level: 'error',
  format: 'json',
  unit: 't',
});

async function laboratory(test: Test) {
  const directory = test.testdir({ exits: {}, instances: {} });
  const path = (name: string) => join(directory, name);
  copyFileSync('/bin/sleep', path('conmon'));
  const children: ChildProcess[] = [];
  const run = async (program: string) => {
    const child = spawn(program, ['1000'], { stdio: 'ignore' });
    children.push(child);
    await once(child, 'spawn');
    return child;
  };
  const exits = new ExitWatch(
    { exitsDir: path('exits'), instancesDir: path('instances') } as HostPaths,
    () => undefined,
  );
  // No announcements: the net is all there is.
  exits.close();
  test.teardown(() => children.forEach(child => void child.kill('SIGKILL')));
  const told: string[] = [];
  const live = new LiveRuns({
    exits,
    clock: realClock,
    log: silent,
    onEnd: (name, code) => told.push(`${name} ended ${code}`),
    onMonitorLost: () => told.push('monitor lost'),
  });
  const add = (name: string, program: number, monitor: number) => {
    const monitorPidFile = path(`${name}.pid`);
    writeFileSync(monitorPidFile, String(monitor));
    const processStart = processStartTime(program) as string;
    live.set(name, { run: 1, id: name, pid: program, processStart, monitorPidFile });
  };
  return { path, run, live, add, told, conmon: path('conmon') };
}

async function soon(look: () => boolean): Promise<void> {
  const giveUpMs = Date.now() + DEADLINE_MS;
  while (!look() && Date.now() < giveUpMs) await new Promise(resolve => setTimeout(resolve, 5));
}

async function gone(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

t.test('an exit file that nobody announced is found at the next glance', async t => {
  const { path, run, live, add, told, conmon } = await laboratory(t);
  const [program, monitor] = [await run('/bin/sleep'), await run(conmon)];
  add('a', program.pid as number, monitor.pid as number);
  live.glance();
  t.same(told, []);
  writeFileSync(path('exits/a'), '7');
  writeFileSync(path('exits/stranger'), '8');
  live.glance();
  t.same(told, [], 'while it lives the file is of an earlier run with that number');
  await gone(program);
  live.glance();
  t.same(told, ['a ended 7']);
});

/** As after a crash of the supervisor: its parent has ended, and it is nobody's child here. */
async function runAsStranger(program: string): Promise<number> {
  const shell = spawn('sh', ['-c', '"$0" 1000 > /dev/null & echo $!', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [pid] = await once(shell.stdout, 'data');
  await once(shell, 'close');
  return Number(pid);
}

for (const parent of ['ours', 'somebody']) {
  t.test(
    `a monitor that was killed is missed, its parent being ${parent}, and the end without an exit file`,
    async t => {
      const { run, live, add, told, conmon } = await laboratory(t);
      const others = PIDS.fullChecks * 3;
      const [program, monitor] = [await run('/bin/sleep'), await run(conmon)];
      for (let index = 0; index < others; index++)
        add(`b${index}`, program.pid as number, monitor.pid as number);
      const [victim, itsMonitor] = [
        await run('/bin/sleep'),
        parent === 'ours' ? await run(conmon) : undefined,
      ];
      const monitorPid = itsMonitor?.pid ?? (await runAsStranger(conmon));
      add('victim', victim.pid as number, monitorPid);
      live.glance();
      if (itsMonitor !== undefined) await gone(itsMonitor);
      else process.kill(monitorPid, 'SIGKILL');
      if (parent === 'ours') live.reaped(monitorPid, 137);
      await soon(() => {
        if (parent !== 'ours') live.glance();
        return told.length > 0;
      });
      t.same(told, ['monitor lost']);
      await gone(victim);
      await soon(() => told.length > 1);
      t.same(told, ['monitor lost', 'victim ended null']);
    },
  );
}

t.test('the pid of a monitor that somebody else has by now is noticed in turn', async t => {
  const { run, live, add, told, conmon } = await laboratory(t);
  const rounds = 3;
  const [program, monitor] = [await run('/bin/sleep'), await run(conmon)];
  for (let index = 0; index < PIDS.fullChecks * (rounds - 1); index++)
    add(`c${index}`, program.pid as number, monitor.pid as number);
  add('robbed', program.pid as number, process.pid);
  for (let round = 0; round < rounds; round++) live.glance();
  t.same(told, ['monitor lost']);
});
