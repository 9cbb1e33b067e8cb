// Services: order of starts, readiness, restarts, sockets, limits, output.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { type Rig, until } from './rig.ts';
import { serviceRig } from './rig-services.ts';

let port = 0;
let passed = 0;
let rig: Rig;

const commands = () => `
  order: !Supervise
    children:
      app: !Command {container: tiny, after: [job], run: "echo app; exit 5"}
      job: !Command {container: tiny, after: [looked], ready: !Exit , run: "echo job"}
      looked: !Command {container: tiny, after: [logged], ready: !Exec "test -e /tmp/there", run: "echo looked; sleep 0.2; touch /tmp/there; sleep 7701"}
      logged: !Command {container: tiny, after: [web], ready: !Log "now (up|down)", run: "echo logged; sleep 0.2; echo it is now up; sleep 7701"}
      web: !Command {container: tiny, banner: "web is at port ${port}", ready: !Http ${port}, run: "echo web; sleep 0.2; echo fine > /tmp/index.html; httpd -f -p ${port} -h /tmp"}
  alone: !Supervise
    isolate-network: true
    children:
      app: !Command {container: tiny, after: [web], run: "echo reached; exit 3"}
      web: !Command {container: tiny, ready: !Tcp {port: ${port}, interval: 50}, run: "httpd -f -p ${port} -h /tmp"}
  late: !Supervise
    children:
      db: !Command {container: tiny, ready: !Tcp {port: 1, timeout: 6}, run: "sleep 7702"}
      app: !Command {container: tiny, after: [db], run: "echo never"}
  flaky: !Supervise
    children:
      a: !Command {container: tiny, restart: on-failure, max-restarts: 2, restart-backoff-max: 0, run: "echo try; exit 4"}
      b: !Command {container: tiny, run: "sleep 7703"}
  again: !Command {container: tiny, restart: on-failure, restart-backoff-max: 0, run: "echo x >> tries; test $(wc -l < tries) -ge 3"}
  socket: !Supervise
    children:
      not-here: !Command {container: tiny, pass-tcp-socket: "${port}", run: "true"}
      web: !Command {container: tiny, pass-tcp-socket: "*:${passed}", restart: always, restart-backoff-max: 0, run: "readlink /proc/self/fd/3; sleep 0.3"}
  sockets: !Command {container: tiny, pass-tcp-socket: "nonsense:", run: "true"}
  one-socket: !Command {container: tiny, pass-tcp-socket: "localhost:${passed}", run: "readlink /proc/self/fd/3"}
  memory: !Command {container: tiny, memory-limit: 50Mi, run: "dd if=/dev/zero of=/dev/null bs=200M count=1"}
  pids: !Command {container: tiny, pids-limit: 4, run: "sleep 7706 & sleep 7706 & sleep 7706 & echo three; sleep 7706 & echo four"}
  cpu: !Command {container: tiny, cpu-quota: 50, run: "cat /proc/self/cgroup"}
  files: !Command {container: tiny, env-files: [one.env, two.env], environ: {C: own}, run: "echo $A $B $C $D"}
  no-file: !Command {container: tiny, env-files: [none.env], run: "true"}
  pid-exec: !Command {container: tiny, pid1mode: exec, run: "echo $$; exit 6"}
  pid-all: !Command {container: tiny, pid1mode: wait-all-children, run: "(sleep 0.5; echo later) & echo first; exit 3"}
  pid-wait: !Command {container: tiny, run: "(sleep 30; echo later) & echo first; exit 3"}
  colours: !Supervise
    children:
      a: !Command {container: tiny, run: "echo one"}
      b: !Command {container: tiny, tags: [some], run: "printf 'two\\\\nthree'; printf 'four\\\\n' >&2"}
  stop: !Supervise
    children:
      back: !Command {container: tiny, stop-signal: USR1, run: "trap 'echo back ends; exit 0' USR1; echo back; while :; do sleep 0.05; done"}
      front: !Command {container: tiny, after: [back], run: "trap 'sleep 0.3; echo front ends; exit 0' INT; echo front; while :; do sleep 0.05; done"}
  chatty: !Supervise
    children:
      a: !Command {container: tiny, run: "seq 1 1000000; sleep 7705"}
  names: !Supervise
    children:
      child: !Command {container: tiny, run: "echo $VAGGA_COMMAND $VAGGA_SUBCOMMAND"}
  watched: !Supervise
    children:
      deaf: !Command {container: tiny, run: "trap '' TERM; echo deaf; while :; do sleep 7704; done"}
`;

t.before(async () => {
  [port, passed] = [await freePort(), await freePort()];
  rig = serviceRig(commands());
});
t.teardown(() => rig.remove());

/** Somebody else who listens there must be a failure, not an endless wait. */
const inTime = () => ({ signal: AbortSignal.timeout(20_000) });

const order = (text: string, ...words: string[]) => words.map(word => text.indexOf(`| ${word}\n`));
const isSorted = (places: number[]) => places.every((at, index) => at >= 0 && at > (places[index - 1] ?? -1));

t.test('after, ready: each child starts when those before it answer', async t => {
  const { code, stdout, stderr } = rig.run('order');
  t.equal(code, 5);
  t.match(stderr, `web is at port ${port}\n`, 'the banner of a child, when it is ready');
  t.ok(isSorted(order(stdout, 'web', 'logged', 'looked', 'job', 'app')), stdout);
  t.match(stdout, /^---------- Process app:\d+ exited with code 5\. Shutting down -----------$/m);
  t.same(rig.processes('sleep 7701'), []);
  const alone = rig.run('alone');
  t.equal(alone.code, 3);
  t.match(alone.stdout, 'app | reached', 'a look from inside the isolated network');
});

t.test('ready: what keeps failing is seen, and ends the run in time', async t => {
  const { code, stdout, stderr } = rig.run('late');
  t.equal(code, 124);
  t.match(stderr, /^db is not ready after 5 s: connect ECONNREFUSED 127\.0\.0\.1:1$/m);
  t.match(
    stdout,
    /Process db:\d+ is not ready: 6 s are over, the last answer was: connect ECONNREFUSED .*\. Shutting down/,
  );
  t.notMatch(stdout, 'never');
  t.notMatch(stderr, 'Warning', 'looking many times leaves nothing behind');
});

t.test('restart: as often as said, then the end is one', async t => {
  const { code, stdout } = rig.run('flaky');
  t.equal(code, 4);
  t.equal(stdout.match(/^a \| try$/gm)?.length, 3);
  t.match(stdout, /Process a:\d+ exited with code 4\. Starting again in 0 s \(2 of 2\)/);
  t.equal(rig.run('again').code, 0);
  t.equal(rig.read('tries'), 'x\nx\nx\n');
});

t.test(
  '§1.6 pass-tcp-socket, §9 filtered-sockets: connections wait while the program starts again',
  async t => {
    const running = rig.start(['socket', '--only', 'web']);
    await running.shows('socket:[');
    const sockets = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const socket = connect(passed, '127.0.0.2');
        await once(socket, 'connect', inTime());
        return socket;
      }),
    );
    await until(() => (running.stdout.match(/socket:\[/g)?.length ?? 0) >= 3, 'three starts');
    const seen = new Set(running.stdout.match(/socket:\[\d+\]/g));
    t.equal(seen.size, 1, 'the very same socket each time');
    const refused = connect(port, '127.0.0.1');
    await once(refused, 'error', inTime());
    for (const socket of sockets) socket.destroy();
    running.child.kill('SIGTERM');
    t.equal((await running.ended).code, 143);
    t.match(rig.run('one-socket').stdout, /^socket:\[\d+\]$/m);
    t.match(rig.run('sockets'), { code: 121, stderr: /pass-tcp-socket: "nonsense:" is no address/ });
  },
);

const cgroups = () => {
  const top = '/sys/fs/cgroup';
  const places = existsSync(join(top, 'pids')) ? ['pids', 'memory', 'cpu'] : ['.'];
  return places.flatMap(name => readdirSync(join(top, name)).filter(entry => entry.startsWith('vagga-')));
};

t.test('memory-limit, cpu-quota, pids-limit: the kernel holds them, and nothing of them stays', async t => {
  const memory = rig.run('memory');
  t.equal(memory.code, 137);
  t.match(memory.stderr, 'The kernel ended a process for memory: memory-limit is 50 MiB');
  const pids = rig.run('pids');
  t.match(pids, { stdout: 'three\n', stderr: /can't fork/ });
  t.not(pids.code, 0);
  t.match(rig.run('cpu').stdout, /vagga-\d+-\d+-\d+-\d+/);
  await until(() => cgroups().length === 0, 'no cgroup is left');
  t.same(rig.processes('sleep 7706'), []);
});

t.test('env-files: below the command’s own variables, later ones over earlier ones', async t => {
  rig.write('one.env', '# a comment\nA=1\nB=1\nC=1\n\n');
  rig.write('two.env', 'B=two words\nD=$A\n');
  t.equal(rig.run('files').stdout, '1 two words own $A\n');
  t.match(rig.run('no-file'), { code: 121, stderr: 'env-files: none.env cannot be read: ENOENT' });
  rig.write('two.env', 'B=2\nnonsense\n');
  t.match(rig.run('files'), { code: 121, stderr: 'two.env:2: error: write NAME=VALUE' });
});

t.test('§1.6 pid1mode, §9 dead-keys: wait, wait-all-children and exec', async t => {
  t.same(rig.run('pid-wait'), { code: 3, stdout: 'first\n', stderr: '' });
  t.same(rig.run('pid-all'), { code: 3, stdout: 'first\nlater\n', stderr: '' });
  t.same(rig.run('pid-exec'), { code: 6, stdout: '1\n', stderr: '' });
});

t.test(
  '§1.10 selection, §1.6 children: colours by name, whatever runs; no lines torn; times when asked for',
  async t => {
    const { stdout, stderr } = rig.runWith({ FORCE_COLOR: '1' }, 'colours', '--only', 'some');
    t.match(stdout, '\x1b[33mb |\x1b[39m two\n\x1b[33mb |\x1b[39m three\n', 'also a line without an end');
    t.match(stderr, '\x1b[33mb |\x1b[39m four\n');
    t.match(rig.run('colours', '--only', 'nobody'), { code: 127, stderr: 'Nothing to supervise in colours' });
    t.match(rig.run('colours', '--only', 'b', '--no-log-prefix').stdout, /^two\nthree\n/);
    t.match(
      rig.run('colours', '--exclude', 'a', '--timestamps').stdout,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z b \| two$/m,
    );
  },
);

t.test('§1.10 signals: Ctrl-C stops in reverse order, by the signal of each', async t => {
  const running = rig.start(['stop']);
  await running.shows('front | front\n');
  running.child.kill('SIGINT');
  const { code, stdout } = await running.ended;
  t.equal(code, 130);
  t.ok(isSorted([stdout.indexOf('front ends'), stdout.indexOf('back ends')]), stdout);
});

t.test('§1.10 signals: TSTP stops all, CONT lets them go on', async t => {
  const running = rig.start(['stop']);
  await running.shows('front | front\n');
  const states = () =>
    rig.processes('do sleep 0.05').map(pid => /\) (\w)/.exec(rig.procFile(pid, 'stat'))?.[1]);
  running.child.kill('SIGTSTP');
  await running.shows('Received SIGTSTP signal. Stopping children and self ..');
  await until(() => states().filter(state => state === 'T').length === 2, 'both are stopped');
  // At once, whether vagga itself has stopped by now or not.
  running.child.kill('SIGCONT');
  await running.shows('Received SIGCONT signal. Propagating ..');
  await until(() => !states().includes('T'), 'both run again');
  running.child.kill('SIGINT');
  t.equal((await running.ended).code, 130);
});

t.test('§1.10 signals: an interrupt at any moment of the start is not lost', async t => {
  const beforeMs = performance.now();
  const whole = rig.start(['stop', '--only', 'back']);
  await whole.shows('| back\n');
  const startMs = performance.now() - beforeMs;
  whole.child.kill('SIGINT');
  t.equal((await whole.ended).code, 130);
  const codes: (number | null)[] = [];
  for (let part = 0.3; part < 1; part += 0.1) {
    const { child } = rig.start(['stop', '--only', 'back']);
    setTimeout(() => child.kill('SIGINT'), part * startMs);
    await until(() => child.exitCode !== null || child.signalCode !== null, 'its end');
    codes.push(child.exitCode);
  }
  // Null: it came before anybody had asked for signals.
  t.ok(
    codes.every(code => code === null || code === 130),
    String(codes),
  );
  await until(() => rig.processes('do sleep 0.05').length === 0, 'nothing runs on');
});

t.test('a reader that goes away ends the run', async t => {
  const [program, words] = rig.commandLine(['chatty']);
  const line = `'${program}' '${words.join("' '")}' | head -n 1`;
  t.equal(spawnSync('bash', ['-c', line], { cwd: rig.root, encoding: 'utf8' }).stdout, 'a | 1\n');
  t.same(rig.list('.vagga/.run'), []);
});

t.test('§1.10 variables: each child knows its names', async t => {
  t.match(rig.run('names').stdout, 'child | names child\n');
});

t.test('§1.6 kill-unresponsive-after, §1.10 unresponsive: who does not listen is killed in time', async t => {
  const running = rig.start(['watched']);
  await running.shows('deaf | deaf\n');
  running.child.kill('SIGTERM');
  const { code, stdout, stderr } = await running.ended;
  t.equal(code, 143);
  t.match(stderr, 'Received SIGTERM signal.  Waiting the processes to stop...');
  t.match(stderr, 'Still waiting for deaf. Once more kills at once.');
  t.match(stdout, '---------- Processes ["deaf"] are still alive. Killing ... -----------');
  t.same(rig.processes('sleep 7704'), []);
});

t.test('a killed supervisor leaves nothing, not even who does not listen', async t => {
  const running = rig.start(['watched']);
  await running.shows('deaf | deaf\n');
  running.child.kill('SIGKILL');
  await until(() => rig.processes('sleep 7704').length === 0, 'the container is gone');
  await until(() => rig.list('.vagga/.run').length === 0, 'its bundle too');
  t.same(rig.mounts(), []);
});

t.test('after: a circle is an error of the config', async t => {
  const child = (name: string, after: string) =>
    `      ${name}: !Command {container: tiny, after: [${after}], run: x}\n`;
  rig.write(
    'vagga.local.yaml',
    `commands:\n  round: !Supervise\n    children:\n${child('a', 'b')}${child('b', 'a')}`,
  );
  t.match(rig.run('round'), { code: 126, stderr: /:\d+:\d+: .*(a -> b -> a|b -> a -> b)/ });
});
