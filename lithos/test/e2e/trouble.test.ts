// Bad moments: signals at the wrong time, full disks, damaged state, files nobody would write.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import { realDisk } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { claimPidFile } from '../../src/adapters/pid-file.ts';
import { command, Host, isAlive, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const LONG = 'a'.repeat(300);

type Test = Pick<typeof t, 'teardown'>;

async function host(test: Test, keys = 'restart-timeout: 0', script = SLEEP): Promise<Host> {
  const made = await Host.make();
  test.teardown(() => made.dispose());
  made.containerFile('web', script, keys);
  made.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  return made;
}

function makeFifo(path: string): string {
  rmSync(path, { force: true });
  spawnSync('mkfifo', [path]);
  return path;
}

t.test('no file can end the tree or hang it: names too long, with NULs, FIFOs', async t => {
  const h = await host(t);
  await h.start();
  const { pid } = await h.running('web.0');
  const file = `processes/${h.sandbox}.yaml`;
  const good = readFileSync(h.path(file), 'utf8');
  const bad: [string, RegExp][] = [
    [`web: {image: ${LONG}, config: /config/web.yaml}`, /:1:14: error: image a+ does not exist/],
    ['web: {image: "a\\0b", config: /config/web.yaml}', /:1:14: error: image a.b does not exist/],
    [`web: {image: app.1, config: /config/${LONG}}`, /:1:29: error: .* is no file of image app\.1/],
    [
      `${good}__proto__: {image: app.1, config: /config/web.yaml}`,
      /:2:1: error: `__proto__` is no process name/,
    ],
    [
      'web: {image: app.1, config: /config/web.yaml, variables: {v: "a\\0b"}}',
      /:1:62: error: a NUL character cannot be passed to a program/,
    ],
  ];
  for (const [text, message] of bad) {
    h.processFile(text);
    const check = h.check();
    t.equal(check.code, 1, text.slice(0, 40));
    t.match(check.stderr, message);
    await h.reload();
    t.equal((await h.running('web.0')).pid, pid, 'what runs is not touched');
  }
  makeFifo(h.path(file));
  t.match(h.check().stderr, /error: .*a pipe, not a file/);
  await h.reload();
  t.equal((await h.running('web.0')).pid, pid);
  rmSync(h.path(file));
  h.processFile(good);
  const container = 'executable: /bin/sh\narguments: ["a\\0b"]\n';
  writeFileSync(
    h.path('images/app.1/config/odd.yaml'),
    `${container}environ: {"A=B": x, "": y}\nvolumes: {/: !Tmpfs }\nvariables: {constructor: !Name }\n`,
  );
  h.processFile('odd: {image: app.1, config: /config/odd.yaml}');
  const said = h.check().stderr;
  for (const message of [
    /yaml:2:13: error: a NUL/,
    /3:\d+: error: `A=B` cannot be the name/,
    /3:\d+: error: `` cannot be the name/,
    /4:\d+: error: the mount point `\/` must be/,
    /the variable `constructor` that \/config\/odd\.yaml declares has no value/,
  ])
    t.match(said, message);
});

t.test('whoever reads the log may end; commands survive a closed pipe', async t => {
  const h = await host(t);
  await h.start();
  const { pid } = await h.running('web.0');
  h.tree?.stderr?.destroy();
  for (let round = 0; round < 3; round++) await h.reload();
  t.equal((await h.running('web.0')).pid, pid);
  t.equal(h.tree?.exitCode, null);
  const piped = spawnSync(
    'bash',
    [
      '-c',
      `"$0" "$1" -C "$2" --json | true; echo "\${PIPESTATUS[0]}"`,
      process.execPath,
      command('lithos_check'),
      h.path('master.yaml'),
    ],
    { encoding: 'utf8' },
  );
  t.equal(piped.stdout, '0\n');
  t.equal(piped.stderr, '');
});

t.test('lithos_switch finishes what another began', async t => {
  const h = await host(t);
  await h.start();
  await h.running('web.0');
  // As if the one who wrote it had been killed before the signal.
  const two = 'web: {image: app.1, config: /config/web.yaml, instances: 2}\n';
  writeFileSync(h.path(`processes/${h.sandbox}.yaml`), two);
  const again = h.run('lithos_switch', '-C', h.path('master.yaml'), h.sandbox, h.write('new.yaml', two));
  t.equal(again.code, 0, again.stderr);
  await h.running('web.1');
  // In place is not the same as running.
  h.containerFile('never', 'exit 1', 'restart-timeout: 100');
  const never = h.write('new.yaml', 'never: {image: app.1, config: /config/never.yaml}\n');
  for (const _ of [1, 2])
    t.equal(h.run('lithos_switch', '-C', h.path('master.yaml'), '--wait', '1', h.sandbox, never).code, 124);
});

/** A start that hangs until the answered function is called: its monitor is held back. */
async function hangStart(h: Host): Promise<() => void> {
  const gate = h.path('gate');
  const real = spawnSync('sh', ['-c', 'command -v conmon'], { encoding: 'utf8' }).stdout.trim();
  const script = `#!/bin/sh\nwhile [ ! -e ${gate} ]; do sleep 0.01; done\nexec ${real} "$@"\n`;
  chmodSync(h.write('bin/conmon', script), 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${h.path('bin')}:${PATH}`;
  try {
    await h.start();
  } finally {
    process.env.PATH = PATH;
  }
  await until('the start hangs', () => h.instance('web.0')?.state === 'starting');
  return () => writeFileSync(gate, '');
}

t.test('a stop while a container starts does not wait for its kill-timeout', async t => {
  const h = await host(t, 'kill-timeout: 60');
  const release = await hangStart(h);
  h.signal('SIGTERM');
  await until('it was heard', () => h.status()?.stopping || h.log().includes('signal: stop'));
  const asked = Date.now();
  release();
  await until('the tree has ended', () => h.tree?.exitCode !== null);
  t.equal(h.tree?.exitCode, 0);
  t.ok(Date.now() - asked < 50_000, 'the init was asked when it could hear');
  t.notMatch(h.log(), 'did not end within');
  t.same(h.leftOver(), []);
});

t.test('§1.1 signals-kept and §1.1 stop-finishes: a stop during a re-exec is obeyed', async t => {
  const h = await host(t);
  const release = await hangStart(h);
  h.signal('SIGQUIT');
  await until('it waits for the start', () => h.log().includes('signal: reexec'));
  h.signal('SIGTERM');
  h.signal('SIGHUP');
  release();
  await until('the tree has ended', () => h.tree?.exitCode !== null);
  t.equal(h.tree?.exitCode, 0);
  t.same(h.leftOver(), []);
  t.same(h.cgroups(), []);
});

t.test('an exit file that a late monitor of an earlier run leaves ends nobody who lives', async t => {
  const h = await host(t);
  await h.start();
  const { pid, run } = await h.running('web.0');
  writeFileSync(h.path(`run/exits/${h.sandbox}.web.0.${run}`), '0');
  await h.reload();
  t.match(h.instance('web.0'), { state: 'running', pid, run, failures: 0 });
  process.kill(pid, 'SIGKILL');
  t.match(
    await h.running('web.0', run),
    { run: run + 1, failures: 1, lastExit: { code: 137 } },
    'its own end',
  );
});

t.test('twenty HUPs in a row are a few reloads, and lithos_ps answers all the while', async t => {
  const h = await host(t);
  await h.start();
  const { pid } = await h.running('web.0');
  const before = h.status()?.reloads ?? 0;
  for (let number = 1; number <= 20; number++) {
    const instances = number === 20 ? 2 : 1 + (number % 4);
    // Whole at every moment, as a reload may be reading it right now.
    const next = h.write('next', `web: {image: app.1, config: /config/web.yaml, instances: ${instances}}\n`);
    renameSync(next, h.path(`processes/${h.sandbox}.yaml`));
    h.signal('SIGHUP');
    if (number % 5 !== 0) continue;
    const ps = h.run('lithos_ps', '-C', h.path('master.yaml'), '--json');
    t.equal(ps.code, 0, ps.stderr);
    t.match(JSON.parse(ps.stdout).trees, [{ pid: h.treePid() }]);
  }
  await until('the last one counts', () => {
    const found = h.status()?.instances ?? [];
    return found.length === 2 && found.every(({ state }) => state === 'running');
  });
  t.ok((h.status()?.reloads ?? 0) - before <= 20);
  t.equal((await h.running('web.0')).pid, pid);
  t.equal(processesOf(h.name('web.3')).length, 0);
});

t.test('what cannot be cleared away stops neither the tree nor the instance', async t => {
  const h = await host(t);
  const stuck = h.path(`run/instances/${h.sandbox}/web.0/7/stuck`);
  mkdirSync(stuck, { recursive: true });
  spawnSync('mount', ['-t', 'tmpfs', 'stuck', stuck]);
  t.teardown(() => spawnSync('umount', ['-l', stuck]));
  await h.start();
  const { run, pid } = await h.running('web.0');
  t.equal(run, 8, 'the number of the stuck run is not used again');
  t.match(h.log(), /EBUSY/);
  await h.crash();
  await h.start();
  t.equal((await h.running('web.0')).pid, pid);
  t.equal(await h.stop(), 0);
});

t.test('a full runtime directory touches nothing that runs, is explained, and mends itself', async t => {
  const h = await host(t);
  mkdirSync(h.path('run'));
  t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'run', h.path('run')]).status, 0);
  t.teardown(() => spawnSync('umount', ['-l', h.path('run')]));
  await h.start();
  const { pid } = await h.running('web.0');
  spawnSync('sh', ['-c', `cat /dev/zero > ${h.path('run/fill')} 2>/dev/null`]);
  h.processFile(
    'web: {image: app.1, config: /config/web.yaml}\nmore: {image: app.1, config: /config/web.yaml}\n',
  );
  h.signal('SIGHUP');
  await until('the log says why', () =>
    /more\.0 could not be started: .*ENOSPC: no space left/.test(h.log()),
  );
  h.signal('SIGQUIT');
  await until('a re-exec is refused', () => /re-exec refused: .*no space left/.test(h.log()));
  t.ok(isAlive(pid));
  t.equal(h.tree?.exitCode, null);
  rmSync(h.path('run/fill'));
  await h.running('more.0');
  t.equal((await h.running('web.0')).pid, pid);
  t.equal(await h.stop(), 0);
});

t.test('an upgrade that would forget what runs is refused', async t => {
  const h = await host(t);
  await h.start();
  const { pid } = await h.running('web.0');
  const master = readFileSync(h.path('master.yaml'), 'utf8');
  const changes: [string, string][] = [
    ['runtime-dir', master.replace(/^runtime-dir: .*$/m, `runtime-dir: ${h.path('elsewhere')}`)],
    ['cgroup-name', master.replace(/^cgroup-name: .*$/m, `cgroup-name: ${h.cgroup}.other`)],
    ['state-dir', `${master}\nstate-dir: other\n`],
  ];
  for (const [key, text] of changes) {
    h.write('master.yaml', text);
    h.signal('SIGQUIT');
    await until(`${key} is refused`, () => h.log().includes(`re-exec refused: \`${key}\` has changed`));
  }
  h.write('master.yaml', `${master}\nshutdown-timeout: 5\n`);
  const before = h.status()?.reloads ?? 0;
  h.signal('SIGQUIT');
  await until('what names no place may change', () => (h.status()?.reloads ?? 0) !== before);
  t.equal((await h.running('web.0')).pid, pid);
  t.equal(await h.stop(), 0);
});

t.test('a damaged note about who holds the output pipes ends nobody', async t => {
  const h = await host(t);
  const file = h.path('run/pipe-holder.pid');
  mkdirSync(h.path('run'), { recursive: true });
  for (const text of ['', '0 ', '-1 1']) {
    writeFileSync(file, text);
    // In a session of its own: pid 0 means everybody in the group of whoever sends a signal.
    await h.start(argv => ['setsid', '--fork', '--wait', ...argv]);
    await h.running('web.0');
    await until('somebody holds them', () => /^\d+ \d+\n$/.test(readFileSync(file, 'utf8')));
    t.equal(await h.stop(), 0, JSON.stringify(text));
  }
});

t.test('whatever another version of lithos had held for it does not keep a tree from starting', async t => {
  const h = await host(t);
  const fifo = makeFifo(h.path('fifo'));
  const other = spawn('sh', ['-c', `exec sleep infinity 3<>${fifo} 4<>${fifo}`], { stdio: 'ignore' });
  t.teardown(() => other.kill('SIGKILL'));
  mkdirSync(h.path('run'), { recursive: true });
  writeFileSync(h.path('run/pipe-holder.pid'), `${other.pid} ${processStartTime(other.pid as number)}\n`);
  await h.start();
  await h.running('web.0');
  await until('it has gone', () => other.signalCode === 'SIGKILL');
  t.equal(await h.stop(), 0);
});

t.test('a container cannot have another directory of the host mounted by way of a link', async t => {
  const script = `rm -rf /data/x; ln -s ${'$TARGET'} /data/x; echo linked; ${SLEEP}`;
  const h = await Host.make();
  t.teardown(() => h.dispose());
  chmodSync(h.path('data'), 0o777);
  h.containerFile('web', script, 'restart-timeout: 0', {
    environ: `TARGET: ${h.directory}`,
    volumes: '  /data: !Persistent {path: /data}\n  /cache: !Persistent {path: /data/x, mkdir: true}',
  });
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  await h.start();
  await until('it has made the link', () => h.output('web.0').includes('linked'));
  process.kill(await h.app('web.0'), 'SIGKILL');
  const why = await until('its next start is refused', () => h.instance('web.0')?.problem ?? undefined);
  t.match(why, `/data/x is a link to ${h.directory}, out of ${h.path('data')}`);
  t.equal(h.instance('web.0')?.pid, null);
});

t.test(
  'damaged state restarts nothing as long as the bundle is whole, and then only its own instance',
  async t => {
    const h = await host(t);
    h.processFile('web: {image: app.1, config: /config/web.yaml, instances: 2}\n');
    await h.start();
    const [first, second] = [await h.running('web.0'), await h.running('web.1')];
    const file = (name: string) => h.path(`run/instances/${h.sandbox}/web.0/${first.run}/${name}`);
    const whole = readFileSync(file('record.json'), 'utf8');
    const damages: (() => string)[] = [
      () => whole.slice(0, whole.length / 2),
      () => whole.replace('"version":2', '"version":9'),
      () => whole.replace(/"normalExitCodes":\[\],/, ''),
      () => whole.replace(/"pid":\d+/, '"pid":"1"'),
      () => whole.replace(/web\.0/, 'web.1'),
      () => '\0'.repeat(1000),
    ];
    for (const damage of damages) {
      await h.crash();
      writeFileSync(file('record.json'), damage());
      writeFileSync(h.path('run/status.json'), '{"schemaVersion":1');
      writeFileSync(h.path(`run/last-good/${h.sandbox}.json`), '{');
      await h.start();
      t.match(
        await h.running('web.0'),
        { pid: first.pid, run: first.run },
        'rebuilt from its bundle and its process',
      );
      t.equal((await h.running('web.1')).pid, second.pid);
    }
    const started = first.startedWallMs ?? 0;
    t.ok(
      Math.abs((h.instance('web.0')?.startedWallMs ?? 0) - started) < 2_000,
      'it even knows since when it runs',
    );
    await h.crash();
    writeFileSync(file('record.json'), '{');
    writeFileSync(file('config.json'), '{');
    await h.start();
    await h.running('web.0', first.run);
    t.equal((await h.running('web.1')).pid, second.pid, 'the other one is not touched');
    await until('web.0 runs once', () => processesOf(h.name('web.0')).length === 3);
    t.equal(await h.stop(), 0);
    t.same(h.leftOver(), []);
  },
);

t.test('what the previous lithos left running is adopted, with its terms', async t => {
  const h = await host(t, 'restart-timeout: 0\nkill-timeout: 1', `trap "" TERM; ${SLEEP}`);
  await h.start();
  const { pid, run } = await h.running('web.0');
  await h.crash();
  const file = h.path(`run/instances/${h.sandbox}/web.0/${run}/record.json`);
  const { stop, waitsForReady, healthyAfterMs, row, ...same } = JSON.parse(readFileSync(file, 'utf8'));
  t.same([stop.timeoutMs, waitsForReady, healthyAfterMs, row], [1000, false, 10_000, 0]);
  const old = { ...same, version: 1, killTimeoutMs: 1500, restarts: 4, failures: 3 };
  writeFileSync(file, JSON.stringify(old));
  await h.start();
  t.match(await h.running('web.0'), { pid, restarts: 4, failures: 3 });
  t.equal(await h.stop(), 0);
  t.match(h.log(), 'did not end within 1.5 s: KILL');
});

t.test('a supervisor that dies shortens no back-off, and what has failed stays down', async t => {
  const h = await host(t, 'restart-timeout: 100', 'exit 3');
  h.containerFile('down', 'exit 4', 'restart-timeout: 0\nmax-failures: 2');
  h.processFile(
    'web: {image: app.1, config: /config/web.yaml}\ndown: {image: app.1, config: /config/down.yaml}\n',
  );
  await h.start();
  const waiting = await until('it waits', () =>
    h.instance('web.0')?.state === 'waiting' ? h.instance('web.0') : undefined,
  );
  const failed = await until('it has failed', () =>
    h.instance('down.0')?.state === 'failed' ? h.instance('down.0') : undefined,
  );
  t.match(failed?.problem, '2 failures in a row, the last one: exited with code 4');
  await h.crash();
  await h.start();
  const again = h.instance('web.0');
  t.match(again, { state: 'waiting', failures: 1, lastExit: { code: 3 } });
  t.ok(Math.abs((again?.nextStartWallMs ?? 0) - (waiting?.nextStartWallMs ?? 0)) < 1_000);
  t.match(h.instance('down.0'), { state: 'failed', failures: 2 });
  const { run } = h.instance('down.0') ?? { run: 0 };
  h.processFile('down: {image: app.1, config: /config/down.yaml, variables: {v: "2"}}\n');
  await h.reload();
  await until('another identity is tried', () => (h.instance('down.0')?.run ?? 0) > run);
  t.equal(await h.stop(), 0);
});

t.test('of two trees that start together one claims the runtime directory', async t => {
  const h = await host(t);
  mkdirSync(h.path('run'));
  const file = h.path('run/master.pid');
  const rivals = [1, 2, 3].map(() => spawn('sleep', ['100'], { stdio: 'ignore' }));
  t.teardown(() => rivals.map(rival => rival.kill('SIGKILL')));
  // A claim that was cut short leaves its lock.
  writeFileSync(`${file}.lock`, '1 1');
  const answers = await Promise.all(rivals.map(rival => claimPidFile(realDisk, file, rival.pid as number)));
  const winner = rivals.filter((_, index) => answers[index] === undefined);
  t.equal(winner.length, 1);
  t.equal(answers.filter(answer => answer === winner[0]?.pid).length, 2, 'the others are told who');
  t.same(readdirSync(h.path('run')).sort(), ['master.pid', 'master.pid.start']);
});
