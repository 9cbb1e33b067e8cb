// Readiness, liveness, watchdog and hooks with real programs in real containers.
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { Host, isAlive, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const VOLUME = { volumes: '  /data: !Persistent {path: /data}' };

/** A program's own words, and waiting for files that the test makes. */
const PROGRAM = `
import os, signal, socket, sys, time
def say(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    while True:
        try: return s.sendto(text if isinstance(text, bytes) else text.encode(), os.environ["NOTIFY_SOCKET"])
        except (FileNotFoundError, ConnectionRefusedError): time.sleep(0.01)
def there(name): return os.path.exists("/data/" + name)
def wait(name):
    while not there(name): time.sleep(0.01)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
`;

async function host(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const made = await Host.make();
  test.teardown(() => made.dispose());
  chmodSync(made.path('data'), 0o777);
  return made;
}

function program(h: Host, name: string, body: string, keys: string): void {
  writeFileSync(h.path(`data/${name}.py`), PROGRAM + body);
  h.containerFile(name, `exec python3 /data/${name}.py`, keys, VOLUME);
}

function processFile(h: Host, ...names: string[]): void {
  h.processFile(names.map(name => `${name}: {image: app.1, config: /config/${name}.yaml}\n`).join(''));
}

function touch(h: Host, name: string): void {
  writeFileSync(h.path(`data/${name}`), '');
}

async function ready(h: Host, name: string, is = true): Promise<void> {
  await until(`${name} is ${is ? '' : 'not '}ready`, () => h.instance(name)?.ready === is);
}

t.test('notify: READY=1 makes it ready, over garbage, a flood and a crash of the supervisor', async t => {
  const h = await host(t);
  program(
    h,
    'web',
    `
for junk in (b"", b"\\xff" * 60000, b"READY", b"\\0" * 4097 + b"\\nREADY=1", b"STATUS=" + b"y" * 3000): say(junk)
for i in range(500): say("STATUS=flood %d" % i)
wait("go"); say("READY=1\\nSTATUS=listening")
wait("again"); say("STATUS=still here")
while True: time.sleep(9)
`,
    'readiness: !Notify {}\nstart-timeout: 30',
  );
  processFile(h, 'web');
  await h.start();
  const { pid, run } = await h.running('web.0');
  await until('it says something of itself', () => h.instance('web.0')?.says === 'flood 499');
  t.equal(h.instance('web.0')?.ready, false, 'nothing of that was READY=1');
  touch(h, 'go');
  await ready(h, 'web.0');
  t.equal(h.instance('web.0')?.says, 'listening');
  t.equal(statSync(h.path('run/notify')).mode & 0o777, 0o700, 'other users of the host are kept out');
  await h.crash();
  await h.start();
  t.match(h.instance('web.0'), { ready: true, pid, run }, 'it stays ready');
  touch(h, 'again');
  await until('it is heard again', () => h.instance('web.0')?.says === 'still here');
  t.equal(await h.stop(), 0);
  t.notOk(existsSync(h.path(`run/notify/${h.sandbox}`)), 'nothing is left of its socket');
});

t.test('start-timeout, watchdog and WATCHDOG=trigger: stopped and started again', async t => {
  const h = await host(t);
  program(h, 'mute', 'wait("never")', 'readiness: !Notify {}\nstart-timeout: 4');
  program(
    h,
    'dog',
    `
assert os.environ["WATCHDOG_USEC"] == "3000000"
while not there("hang"): say("WATCHDOG=1"); time.sleep(0.1)
wait("never")`,
    'watchdog: 3',
  );
  program(
    h,
    'self',
    'wait("go"); os.remove("/data/go"); say("WATCHDOG=trigger"); wait("never")',
    'watchdog: 60',
  );
  processFile(h, 'mute', 'dog', 'self');
  await h.start();
  const dog = await h.running('dog.0');
  const self = await h.running('self.0');
  await until('the mute one was given up', () => (h.instance('mute.0')?.failures ?? 0) > 0);
  t.match(h.log(), /mute\.0.*not ready within 4 s: it has not said READY=1/);
  t.match(
    h.instance('dog.0'),
    { ready: true, pid: dog.pid, failures: 0 },
    'the dog has been fed for longer than its time',
  );
  touch(h, 'hang');
  touch(h, 'go');
  await h.running('self.0', self.run);
  t.match(h.log(), /self\.0.*it says itself that it is sick/);
  await until('the hanging one was given up', () => (h.instance('dog.0')?.failures ?? 0) > 0);
  t.match(h.log(), /dog\.0.*watchdog: no WATCHDOG=1 within 3 s/);
  t.notOk(isAlive(dog.pid));
});

t.test('TCP readiness comes and goes with the port, HTTP liveness restarts', async t => {
  const h = await host(t);
  const [tcp, http] = [await freePort(), await freePort()];
  program(
    h,
    'port',
    `
while True:
    wait("open")
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", ${tcp})); s.listen()
    while there("open"): time.sleep(0.01)
    s.close()`,
    `readiness: !Tcp {port: ${tcp}, failure-threshold: 1}`,
  );
  program(
    h,
    'page',
    `
from http.server import *
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, self.headers["Host"], flush=True)
        self.send_response(500 if there("sick") else 302); self.end_headers()
HTTPServer(("127.0.0.1", ${http}), Page).serve_forever()`,
    `readiness: !Http {port: ${http}, path: "/health?x=1", host: inner.example}\nliveness: !Http {port: ${http}, interval: 1, failure-threshold: 2}`,
  );
  processFile(h, 'port', 'page');
  await h.start();
  const port = await h.running('port.0');
  t.equal(port.ready, false);
  touch(h, 'open');
  await ready(h, 'port.0');
  rmSync(h.path('data/open'));
  await ready(h, 'port.0', false);
  t.match(
    h.instance('port.0'),
    { state: 'running', pid: port.pid },
    'readiness lost is no reason to restart',
  );
  t.match(h.instance('port.0')?.problem, /readiness: port \d+: ECONNREFUSED/);
  touch(h, 'open');
  await ready(h, 'port.0');
  await ready(h, 'page.0');
  t.ok(h.output('page.0').includes('/health?x=1 inner.example'), 'asked as configured');
  const page = await h.running('page.0');
  touch(h, 'sick');
  await until('the sick page was ended', () => !isAlive(page.pid));
  rmSync(h.path('data/sick'));
  await h.running('page.0', page.run);
  t.match(h.log(), /page\.0.*liveness: port \d+ answers \/ with status 500 \(2 times in a row\)/);
  await ready(h, 'page.0');
});

t.test('exec probes run as the program does, and nothing of them outlives its time', async t => {
  const h = await host(t);
  const question = [
    'test -e /data/slow && { sleep 1234 & setsid sleep 1235 & sleep 1236; }',
    'echo "$(id -u) $A $(pwd) $(grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status | tr -d "\\n")" > /data/seen',
    'echo out of order; test -e /data/well',
  ].join('; ');
  const keys = `user-id: 1001\nworkdir: /data\nreadiness: !Exec {command: [/bin/sh, -c, ${JSON.stringify(question)}], timeout: 1, failure-threshold: 1}`;
  h.containerFile('app', 'while :; do sleep 1000; done', keys, { ...VOLUME, environ: 'A: b' });
  processFile(h, 'app');
  await h.start();
  const { pid } = await h.running('app.0');
  await until('it was asked', () => existsSync(h.path('data/seen')));
  touch(h, 'well');
  await ready(h, 'app.0');
  t.match(
    readFileSync(h.path('data/seen'), 'utf8'),
    /^1001 b \/data CapEff:\t0000000000000000NoNewPrivs:\t1Seccomp:\t2/,
    'with its user, environment, directory and confinement',
  );
  const before = processesOf(h.name('app.0')).length;
  touch(h, 'slow');
  await ready(h, 'app.0', false);
  t.match(h.instance('app.0')?.problem, '/bin/sh did not end within 1 s');
  rmSync(h.path('data/slow'));
  rmSync(h.path('data/well'));
  await until(
    'the words of the program are shown',
    () => /ended with 1: out of order/.test(h.log()) || h.instance('app.0')?.problem,
  );
  await until('nothing of the slow question lives', () => processesOf(h.name('app.0')).length <= before);
  t.match(h.instance('app.0'), { state: 'running', pid });
});

t.test('a roll-out waits for readiness, and goes back when it does not come', async t => {
  const h = await host(t);
  h.sandboxFile('rolling-update: {timeout: 4}');
  h.containerFile(
    'web',
    `[ "$V" = mute ] || { sleep 0.3; touch /cache/up; }; ${SLEEP}`,
    'readiness: !Exec {command: [/usr/bin/test, -e, /cache/up]}\nvariables: {v: !Name }',
    { environ: 'V: "@{v}"', volumes: '  /cache: !Tmpfs {size: 1Mi, mode: 0o777}' },
  );
  const version = (v: string) =>
    h.processFile(`web: {image: app.1, config: /config/web.yaml, instances: 2, variables: {v: ${v}}}\n`);
  const both = ['web.0', 'web.1'];
  const state = () => h.status()?.rollouts[0]?.state;
  version('one');
  await h.start();
  for (const name of both) await ready(h, name);
  version('two');
  await h.reload();
  let least = 2;
  await until('all are replaced', () => {
    least = Math.min(least, both.filter(name => h.instance(name)?.ready).length);
    return state() === 'done';
  });
  t.equal(least, 1, 'one was ready all the time');
  const kept = h.instance('web.1')?.pid;
  version('mute');
  await h.reload();
  await until('it has gone back', () => state() === 'rolled-back');
  t.match(h.status()?.rollouts[0]?.message, /web\.0 did not become healthy within 4 s/);
  t.match(h.instance('web.0'), { ready: true, identity: /"v":"two"/ });
  t.equal(h.instance('web.1')?.pid, kept, 'the other one was not touched');
});

t.test('questions that hang in one sandbox keep nobody waiting in another', async t => {
  const h = await host(t);
  h.containerFile('hang', SLEEP, 'readiness: !Exec {command: [/bin/sleep, "1000"], timeout: 1000}');
  h.containerFile('good', SLEEP, 'readiness: !Exec {command: [/bin/true]}');
  h.processFile('hang: {image: app.1, config: /config/hang.yaml, instances: 6}\n');
  await h.start();
  const asked = () => processesOf(h.name('hang.0')).length > 2;
  await until('the questions hang', asked);
  const other = `${h.sandbox}-other`;
  h.sandboxFile('', other);
  h.processFile('good: {image: app.1, config: /config/good.yaml}\n', other);
  await h.reload();
  await until('the other one is ready', () =>
    h.status()?.instances.find(({ name, ready }) => name === `${other}/good.0` && ready),
  );
});

t.test(
  'pre-stop hook: before the signal, inside, within the kill-timeout; its failure blocks nothing',
  async t => {
    const h = await host(t);
    const hooked = (name: string, command: string, more = '') =>
      h.containerFile(
        name,
        `trap 'echo got USR1; test -e /data/${name} && echo after the hook; exit 0' USR1; echo up; while :; do sleep 0.05; done`,
        `stop-signal: USR1\npre-stop: [/bin/sh, -c, ${JSON.stringify(command)}]\n${more}`,
        VOLUME,
      );
    hooked('good', 'id -u > /data/good');
    hooked('bad', 'echo no such luck >&2; exit 3');
    hooked('slow', 'sleep 1000', 'kill-timeout: 1');
    processFile(h, 'good', 'bad', 'slow');
    await h.start();
    for (const name of ['good.0', 'bad.0', 'slow.0'])
      await until(`${name} listens`, () => h.output(name).includes('up'));
    const slow = await h.app('slow.0');
    t.equal(await h.stop(), 0);
    t.strictSame(h.output('good.0'), ['up', 'got USR1', 'after the hook']);
    t.strictSame(h.output('bad.0'), ['up', 'got USR1']);
    t.match(h.log(), /bad\.0: pre-stop hook ended with 3: no such luck/);
    t.notOk(isAlive(slow));
    t.same(h.leftOver(), []);
  },
);
