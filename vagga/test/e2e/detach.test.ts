// What runs can be looked at, entered and stopped, and leaves nothing behind: detached commands, which go on without a terminal, and
// those in somebody's terminal.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Rig, ROOT_AND_USER, until } from './rig.ts';
import { serviceRig } from './rig-services.ts';

const COMMANDS = `
  pair: !Supervise
    children:
      back: !Command {container: tiny, ready: !Exec "test -e /tmp/there", run: "echo back; touch /tmp/there; exec sleep 7711"}
      front: !Command {container: tiny, after: [back], run: "echo front; exec sleep 7711"}
  one: !Command {container: tiny, accepts-arguments: true, run: "echo one $1; read line; echo got nothing; exec sleep 7712"}
  fails: !Supervise
    children:
      job: !Command {container: tiny, ready: !Tcp {port: 1, timeout: 1}, run: "exec sleep 7711"}
  short: !Command {container: tiny, prerequisites: [before], run: "echo short; exit 3"}
  before: !Command {container: tiny, run: "echo before"}
  missing: !Command {container: tiny, run: [no-such-program]}
  deaf: !Command {container: tiny, run: "trap '' TERM HUP; echo deaf; while :; do sleep 7713; done"}
  chatty: !Command {container: tiny, run: "seq 400000; echo end; exec sleep 7711"}
`;

interface Ps {
  readonly commands: readonly {
    readonly command: string;
    readonly state: string;
    readonly mode: string;
    readonly pid: number;
    readonly children: readonly { readonly name: string; readonly pid?: number }[];
  }[];
}

const ps = (rig: Rig): Ps => JSON.parse(rig.run('_ps', '--json').stdout);
const states = (rig: Rig) => ps(rig).commands.map(({ command, state }) => `${command} ${state}`);

const childPids = (rig: Rig) => ps(rig).commands[0]?.children.map(({ pid }) => pid) ?? [];
const starts = (rig: Rig, name: string) =>
  rig
    .run('_logs', '--no-log-prefix')
    .stdout.split('\n')
    .filter(line => line === name).length;

for (const as of ROOT_AND_USER) {
  const rig = serviceRig(COMMANDS, { as });
  t.teardown(() => {
    rig.run('_stop');
    rig.remove();
  });

  t.test(`${as}: started, waited for, looked at, entered and stopped`, async t => {
    const started = rig.run('--detach', 'pair');
    t.same(started, {
      code: 0,
      stdout: '',
      stderr: 'pair is running: vagga _logs -f pair, vagga _stop pair\n',
    });
    t.match(rig.run('-d', 'pair'), { code: 121, stderr: /^pair is running already: vagga _logs pair, / });
    const waited = rig.run('_ps', '--wait', 'pair');
    t.equal(waited.code, 0, waited.stderr);
    t.match(
      waited.stdout,
      /^COMMAND +NAME +STATE +PID +RESTARTS +STARTED +MODE\npair +back +ready +\d+ +0 .*\npair +front +ready +\d+ +0 +\S+ +detached\n/,
    );
    t.same(states(rig), ['pair running']);
    t.equal(rig.run('_logs').stdout, 'back  | back\nfront | front\n');
    t.equal(rig.run('_logs', '--no-log-prefix', '--tail', '1').stdout, 'front\n');
    t.match(rig.run('_logs', 'back', '--timestamps').stdout, /^\d{4}-.*Z back {2}\| back\n$/);
    t.equal(rig.run('_logs', '--since', '2100-01-01').stdout, '');
    t.equal(rig.run('_logs', '--since', '1h', 'pair/front').stdout, 'front | front\n');
    t.same(
      rig.run('_exec', 'back', 'sh', '-c', 'echo $VAGGA_SUBCOMMAND; test -e /tmp/there; exit $((4 + $?))'),
      {
        code: 4,
        stdout: 'back\n',
        stderr: '',
      },
    );
    t.match(rig.inTerminal(['_exec', 'pair/back', 'tty'], '').stdout, '/dev/');
    t.match(rig.run('_exec', 'pair', 'true'), {
      code: 121,
      stderr: 'pair has several children: back, front',
    });
    t.equal(rig.run('_stop', 'front').code, 0);
    t.match(rig.run('_ps').stdout, /front +done/);
    const [back] = childPids(rig);
    t.same(rig.run('_restart', 'front'), { code: 0, stdout: '', stderr: '' }, 'who was stopped is started');
    t.match(childPids(rig), [back, Number]);
    t.equal(rig.run('_restart', 'pair').code, 0, 'all of them, in their order');
    t.ok(
      childPids(rig).every(pid => pid !== undefined && pid !== back),
      'new processes',
    );
    await until(() => starts(rig, 'back') === 2 && starts(rig, 'front') === 3, 'all began anew');
    t.equal(statSync(join(rig.root, '.vagga/.run/detached/pair/control')).mode & 0o777, 0o600);
    t.equal(statSync(join(rig.root, '.vagga/.run/detached')).mode & 0o777, 0o700);
    t.equal(rig.run('_stop', 'pair').code, 0);
    t.same(states(rig), []);
    t.same(rig.processes('sleep 7711'), []);
    t.match(rig.run('_logs', 'pair'), {
      code: 121,
      stderr: 'pair is not running (nothing is)',
    });
  });

  t.test(`${as}: one command without input; its end and its log stay to be seen`, async t => {
    t.equal(rig.run('-d', 'one', 'word').code, 0);
    const followed = rig.start(['_logs', '-f', 'one']);
    await followed.shows('one | one word\none | got nothing\n');
    t.equal(rig.run('_stop', 'one').code, 0);
    t.equal((await followed.ended).code, 0, 'who follows ends with it');
    const short = rig.run('-d', 'short');
    t.match(short, { code: 0, stdout: 'before\n' });
    await until(() => states(rig).includes('short ended'), 'its end');
    t.match(rig.run('_ps').stdout, /short +short +failed \(3\)/);
    t.match(rig.run('_restart', 'short'), { code: 121, stderr: 'short has ended: vagga --detach short\n' });
    t.match(rig.run('_logs').stdout, /short \| short\n.*Process short:\d+ exited with code 3\./);
    t.equal(rig.run('-d', 'fails').code, 0);
    t.match(rig.run('_ps', '--wait', 'fails'), { code: 1, stderr: 'fails will not be ready' });
    t.match(rig.run('-d', 'missing'), { code: 124, stderr: /Command no-such-program not found/ });
    t.equal(rig.run('_stop').code, 0);
    t.same(states(rig), []);
  });

  t.test(`${as}: one in the foreground is seen, entered and stopped from elsewhere`, async t => {
    const running = rig.start(['pair']);
    await running.shows('front | front\n');
    t.equal(rig.run('_ps', '--wait', 'pair').code, 0);
    t.match(rig.run('_ps').stdout, /^pair +front +ready +\d+ +0 +\S+ +foreground$/m);
    t.match(rig.run('_exec', 'back', 'sh', '-c', 'echo $VAGGA_SUBCOMMAND; exit 7'), {
      code: 7,
      stdout: 'back\n',
    });
    t.match(rig.run('_logs', 'pair'), {
      code: 121,
      stderr: 'pair runs in the foreground: what it prints is where it was started\n',
    });
    t.equal(rig.run('_stop').code, 0, 'only who is named is ended in a terminal');
    t.same(states(rig), ['pair running']);
    t.equal(rig.run('-d', 'pair').code, 0, 'beside it a detached one');
    t.same(
      ps(rig).commands.map(({ mode }) => mode),
      ['detached', 'foreground'],
    );
    const [detached, foreground] = ps(rig).commands.map(({ pid }) => `pair@${pid}`);
    t.match(rig.run('_exec', 'pair', 'true'), {
      code: 121,
      stderr: `pair runs several times: ${detached}, ${foreground}`,
    });
    t.match(rig.run('_ps').stdout, new RegExp(`^${foreground} +back`, 'm'));
    t.equal(rig.run('_exec', `${foreground}/back`, 'true').code, 0);
    t.equal(rig.run('_stop', `${foreground}/front`).code, 0);
    t.match(rig.run('_ps', `${foreground}`).stdout, /front +done/);
    process.kill(ps(rig).commands[1]?.pid ?? 0, 'SIGTSTP');
    await until(() => /back +suspended/.test(rig.run('_ps').stdout), 'it is stopped as by Ctrl-Z');
    t.equal(rig.run('_stop', `${foreground}`).code, 0, 'it is woken up to end');
    t.equal((await running.ended).code, 143);
    t.same(states(rig), ['pair running']);
    t.equal(rig.run('_stop').code, 0);
    t.same(rig.list('.vagga/.run'), ['detached']);
  });

  t.test(`${as}: a supervisor that crashes leaves nothing behind`, async t => {
    t.equal(rig.run('-d', 'deaf').code, 0);
    await until(() => rig.run('_logs', 'deaf').stdout.includes('deaf | deaf'), 'it runs');
    const [{ pid } = { pid: 0 }] = ps(rig).commands;
    process.kill(pid, 'SIGKILL');
    await until(() => rig.processes('sleep 7713').length === 0, 'the container is gone');
    t.match(rig.run('_ps').stdout, /deaf +deaf +lost/);
    t.match(rig.run('_exec', 'deaf', 'true'), { code: 121, stderr: 'deaf is not running now' });
    await until(() => rig.list('.vagga/.run').join() === 'detached', 'so is its bundle');
    t.equal(rig.run('-d', 'deaf').code, 0, 'it can be started again');
    t.equal(rig.run('_stop', 'deaf').code, 0);
    t.same(rig.processes('sleep 7713'), []);
    t.same(rig.mounts(), []);
  });
}

t.test('one in the foreground that is killed is not shown any more', async t => {
  const rig = serviceRig(COMMANDS);
  const running = rig.start(['pair']);
  await running.shows('front | front\n');
  process.kill(ps(rig).commands[0]?.pid ?? 0, 'SIGKILL');
  await running.ended;
  t.same(states(rig), []);
  await until(() => rig.list('.vagga/.run').length === 0, 'its state and its bundles are gone');
  t.same(rig.processes('sleep 7711'), []);
  rig.remove();
});

t.test('a log of any size: no line lost for who follows, and its files stay small', async t => {
  const rig = serviceRig(COMMANDS);
  t.equal(rig.run('-d', 'chatty').code, 0);
  const followed = rig.start(['_logs', '-f', '--no-log-prefix', 'chatty']);
  await followed.shows('\nend\n');
  const numbers = followed.stdout.split('\n').filter(line => /^\d+$/.test(line));
  t.equal(numbers.length, 400_000);
  t.equal(
    numbers.findIndex((line, index) => line !== String(index + 1)),
    -1,
  );
  const [program, words] = rig.commandLine(['_logs', '-f', 'chatty']);
  const piped = `${[program, ...words].join(' ')} | head -1; echo "\${PIPESTATUS[0]}"`;
  t.match(
    spawnSync('bash', ['-c', piped], { cwd: rig.root, encoding: 'utf8' }),
    { stdout: /^chatty \| 1?\d+\n141\n$/, stderr: '' },
    'it ends with its reader',
  );
  t.equal(rig.run('_stop').code, 0);
  await followed.ended;
  rig.remove();
});
