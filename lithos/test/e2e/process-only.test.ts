// restart-process-only: the container stays, its program is started again.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { Host, isAlive, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

async function host(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const made = await Host.make();
  test.teardown(() => made.dispose());
  chmodSync(made.path('data'), 0o777);
  return made;
}

/** Says how often it was started in this container, leaves a daemon behind the first time, ends with 3 when asked to. */
const PROGRAM = [
  'echo start >> /cache/starts',
  'test -e /cache/daemon || { setsid sleep 4321 & echo $! > /cache/daemon; }',
  'trap "echo got TERM; exit 0" TERM',
  'echo "start $(wc -l < /cache/starts), $(id -u) in $(pwd) with $A, one is $(cat /proc/1/comm)"',
  'echo $(grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status)',
  'while ! test -e /data/end; do sleep 0.02; done; rm /data/end; exit 3',
].join('; ');

function write(h: Host, keys = '', name = 'app'): void {
  const volumes = [
    '  /data: !Persistent {path: /data}',
    '  /state: !Persistent {path: /data/inner, mkdir: true}',
    '  /cache: !Tmpfs {size: 1Mi, mode: 0o777}',
  ].join('\n');
  const all = `restart-process-only: true\nrestart-timeout: 0\nworkdir: /data\nuser-id: 1001\n${keys}`;
  h.containerFile(name, PROGRAM, all, { volumes, environ: 'A: b' });
}

function processFile(h: Host, instances = 1): void {
  h.processFile(`app: {image: app.1, config: /config/app.yaml, instances: ${instances}}\n`);
}

function end(h: Host): void {
  writeFileSync(h.path('data/end'), '');
}

/** Pid of the daemon and of the first process of the container, as we see them. */
function standing(h: Host): { readonly init: number | undefined; readonly daemon: number | undefined } {
  const command = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, 2).join(' ');
    } catch {
      return '';
    }
  };
  const pids = processesOf(h.name('app.0'));
  return {
    init: pids.find(pid => command(pid) === '/dev/init -P'),
    daemon: pids.find(pid => command(pid) === 'sleep 4321'),
  };
}

t.test('§2.4 restart-process-only: the program is started again, its container stays', async t => {
  const h = await host(t);
  write(
    h,
    'readiness: !Exec {command: [/bin/sh, -c, "test -e /cache/starts"]}\npre-stop: [/bin/sh, -c, "cp /cache/starts /data/hook"]',
  );
  processFile(h);
  await h.start();
  const first = await h.running('app.0');
  await until('it is ready', () => h.instance('app.0')?.ready);
  await until('its daemon runs', () => standing(h).daemon);
  const before = standing(h);
  t.ok(before.init, 'an init that only waits is the first process');
  end(h);
  const second = await h.running('app.0', first.run);
  await until('it is ready again', () => h.instance('app.0')?.ready);
  t.not(second.pid, first.pid);
  t.strictSame(standing(h), before, 'the init and the daemon are the same');
  t.match(second.lastExit, { code: 3, requested: false }, 'the exit code is that of the program');
  await until('both have said who they are', () => h.output('app.0').length === 4);
  const said = h.output('app.0');
  t.match(said, ['start 1, 1001 in /data with b, one is init', /^CapEff: 0{16} NoNewPrivs: 1 Seccomp: 2/]);
  t.equal(said[2], 'start 2, 1001 in /data with b, one is init', 'what is in its tmpfs stays');
  t.match(
    said[3],
    /^CapEff: 0{16} NoNewPrivs: 1 Seccomp: 2/,
    'the second program is as confined as the first',
  );
  process.kill(second.pid, 'SIGKILL');
  const third = await h.running('app.0', second.run);
  t.match(third.lastExit?.words, 'killed by SIGKILL');
  t.strictSame(standing(h), before);
  process.kill(before.init as number, 'SIGKILL');
  const fourth = await h.running('app.0', third.run);
  await until('it says so', () => h.output('app.0').at(-2)?.startsWith('start 1,'));
  t.not(standing(h).init, before.init, 'a container that was killed is made anew');
  t.equal(await h.stop(), 0);
  t.notOk(isAlive(fourth.pid));
  await until('its monitors have ended too', () => h.leftOver().length === 0);
  t.equal(h.output('app.0').at(-1), 'got TERM', 'the program is asked to end');
  t.equal(readFileSync(h.path('data/hook'), 'utf8'), 'start\n', 'after the hook, inside');
  t.same(h.cgroups(), []);
});

t.test('§6 process-only: the container and its program are adopted, whatever happened meanwhile', async t => {
  const h = await host(t);
  write(h);
  processFile(h);
  await h.start();
  const { pid, run } = await h.running('app.0');
  await until('the daemon runs', () => standing(h).daemon);
  const before = standing(h);
  await h.crash();
  await h.start();
  t.match(h.instance('app.0'), { pid, run, restarts: 0 }, 'untouched');
  await h.crash();
  end(h);
  await until('it has ended', () => !isAlive(pid));
  await h.start();
  const second = await h.running('app.0', run);
  t.match(second.lastExit, { code: 3 });
  t.strictSame(standing(h), before, 'the next program runs in the same container');
  write(h, 'fileno-limit: 77');
  h.processFile('app: {image: app.1, config: /config/app.yaml, instances: 2}\n');
  await h.reload();
  t.match(h.instance('app.0'), { pid: second.pid }, 'what the image says counts from the next container on');
  await h.running('app.1');
  await h.crash();
  process.kill(second.pid, 'SIGKILL');
  h.processFile('{}');
  await h.start();
  // The tree itself, and whoever holds the pipes for it, go on.
  const stays = [h.treePid(), Number.parseInt(readFileSync(h.path('run/pipe-holder.pid'), 'utf8'), 10)];
  await until('what is not wanted any more is gone', () => h.leftOver().every(pid => stays.includes(pid)));
  await until('and its files', () => !existsSync(h.path(`run/instances/${h.sandbox}/app.0`)));
});

t.test(
  '§6 process-only: a new configuration is a new container; a program deaf to TERM takes it along',
  async t => {
    const h = await host(t);
    write(h, 'kill-timeout: 1');
    processFile(h);
    await h.start();
    const first = await h.running('app.0');
    await until('the daemon runs', () => standing(h).daemon);
    const before = standing(h);
    h.processFile('app: {image: app.1, config: /config/app.yaml, variables: {x: y}}\n');
    write(h, 'kill-timeout: 1\nvariables: {x: !Choice [y]}');
    await h.reload();
    await h.running('app.0', first.run);
    await until(
      'the old container is gone',
      () => !isAlive(before.init as number) && !isAlive(before.daemon as number),
    );
    await until('the new one stands', () => standing(h).daemon);
    h.containerFile(
      'app',
      'trap "" TERM; while :; do sleep 1; done',
      'restart-process-only: true\nkill-timeout: 1',
    );
    h.processFile('app: {image: app.1, config: /config/app.yaml}\n');
    await h.reload();
    await until(
      'the third configuration runs',
      () => processesOf(h.name('app.0')).length === 3 && !standing(h).daemon,
    );
    t.equal(await h.stop(), 0);
    t.match(h.log(), /did not end within 1 s: KILL/);
    await until('its monitors have ended too', () => h.leftOver().length === 0);
  },
);
