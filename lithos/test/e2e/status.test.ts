// What a running tree tells over its two sockets and its metric files.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@suite/shared/cli/log.ts';
import { freePort } from '@suite/shared/linux/free-port.ts';
import {
  type InstanceDetail,
  LITHOS_LIMITS,
  type LithosEvent,
  type LithosHello,
  type TreeStatus,
} from '@suite/shared/wire/lithos.ts';
import t from 'tap';
import { WebSocket } from 'ws';
import { EventRing } from '../../src/core/events/ring.ts';
import { refusal } from '../../src/daemon/api/answer.ts';
import { UnixDoor } from '../../src/daemon/api/listen.ts';
import { HttpServer } from '../../src/daemon/api/server.ts';
import { EventStream } from '../../src/daemon/api/stream.ts';
import { command, Host, isAlive, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const SECRET = 'not-for-everybody';

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly allow: string | undefined;
}

function ask(socketPath: string, path: string, method = 'GET', body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method, agent: false }, response => {
      let text = '';
      response.on('data', chunk => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, allow: response.headers.allow }),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}

async function json<T>(socketPath: string, path: string): Promise<T> {
  return JSON.parse((await ask(socketPath, path)).text) as T;
}

/** The stream as a list that grows. */
class Listener {
  readonly messages: (LithosEvent | LithosHello)[] = [];
  readonly socket: WebSocket;
  closed = false;

  constructor(socketPath: string, query = '') {
    this.socket = new WebSocket(`ws+unix:${socketPath}:/v1/events${query}`);
    this.socket.on('message', data => this.messages.push(JSON.parse(String(data))));
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('error', () => undefined);
  }

  async greeted(): Promise<LithosHello> {
    return await until('the stream greets', () => {
      const [first] = this.messages;
      return first?.type === 'hello' ? first : undefined;
    });
  }

  events(): LithosEvent[] {
    return this.messages.filter((message): message is LithosEvent => message.type !== 'hello');
  }

  async saw(what: string, find: (event: LithosEvent) => boolean): Promise<LithosEvent> {
    return await until(`the stream tells ${what}`, () => this.events().find(find));
  }
}

async function running(test: Pick<typeof t, 'teardown'>): Promise<{ h: Host; all: string; root: string }> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  h.containerFile('web', `echo first line; echo second line; ${SLEEP}`, 'restart-timeout: 0', {
    environ: `PASSWORD: ${SECRET}`,
  });
  h.processFile('web: {image: app.1, config: /config/web.yaml, instances: 2}\n');
  await h.start();
  await h.running('web.0');
  await h.running('web.1');
  for (const name of ['web.0', 'web.1'])
    await until(`${name} has spoken`, () => h.output(name).includes('second line'));
  return { h, all: h.path('run/lithos.sock'), root: h.path('run/control.sock') };
}

t.test('two sockets: everybody may read, root may act, nobody sees an environment', async t => {
  const { h, all, root } = await running(t);
  t.equal(statSync(all).mode & 0o777, 0o666);
  t.equal(statSync(root).mode & 0o777, 0o600);
  const slow = connect(all);
  slow.on('error', () => undefined);
  slow.write('GET /v1/status HTTP/1.1\r\nhost: x\r\nslow: ');

  const status = await json<TreeStatus>(all, '/v1/status');
  t.match(status, { schemaVersion: 1, pid: h.treePid(), stopping: false, errors: [], rollouts: [] });
  t.match(status.instances, [
    { name: h.name('web.0'), state: 'running', ready: true, pid: Number },
    { name: h.name('web.1') },
  ]);
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
  t.same(names(await json<TreeStatus['instances']>(all, '/v1/instances')), names(status.instances));
  t.same(await json(all, '/v1/sandboxes'), [{ name: h.sandbox, ok: true, errors: [] }]);
  t.same(await json(all, '/v1/rollouts'), []);
  const one = await json<InstanceDetail>(root, `/v1/instances/${h.name('web.0')}`);
  t.match(one, {
    name: h.name('web.0'),
    words: 'running',
    memoryBytes: Number,
    cpuMs: Number,
    processes: Number,
  });
  t.match(one.log, [/^\d{4}-\S+ first line$/, /^\d{4}-\S+ second line$/]);
  const log = await json<{ lines: string[] }>(root, `/v1/logs/${h.name('web.1')}?tail=1`);
  t.match(log.lines, [/second line$/]);
  t.equal(log.lines.length, 1);
  const security = await json<{ facts: { name: string; value: string; relaxed: boolean }[] }>(
    all,
    `/v1/security/${h.name('web.0')}`,
  );
  t.match(
    security.facts.find(({ name }) => name === 'capabilities'),
    { value: 'none', relaxed: false },
  );

  const file = h.path(`log/stdio/${h.sandbox}.web.0.log`);
  chmodSync(file, 0o600);
  t.equal((await ask(all, `/v1/logs/${h.name('web.0')}`)).status, 403, 'a log is as private as its file');
  t.equal((await json<InstanceDetail>(all, `/v1/instances/${h.name('web.0')}`)).log, null);
  t.equal((await ask(root, `/v1/logs/${h.name('web.0')}`)).status, 200);

  const paths = ['/v1/status', '/v1/instances', '/v1/sandboxes', '/v1/rollouts', '/metrics'];
  for (const each of ['instances', 'security', 'logs']) paths.push(`/v1/${each}/${h.name('web.0')}`);
  for (const path of paths) {
    for (const socket of [all, root]) t.notMatch((await ask(socket, path)).text, SECRET, `${path} keeps it`);
  }

  t.equal((await ask(all, '/v1/nothing')).status, 404);
  t.equal((await ask(all, '/v1/status/more')).status, 404);
  t.equal((await ask(all, `/v1/instances/${h.name('web.7')}`)).status, 404);
  t.equal((await ask(all, '/v1/logs')).status, 404);
  t.equal((await ask(all, '/v1/logs/../../etc/passwd')).status, 404);
  t.equal((await ask(all, '/v1/%zz')).status, 400);
  t.equal((await ask(root, `/v1/logs/${h.name('web.0')}?tail=many`)).status, 400);
  t.equal((await ask(all, '/v1/status', 'HEAD')).status, 200);
  t.match(await ask(all, '/v1/status', 'POST'), { status: 405, allow: 'GET' });
  t.match(await ask(root, '/v1/reload', 'GET'), { status: 405, allow: 'POST' });
  t.equal((await ask(all, '/v1/reload', 'POST')).status, 403, 'verbs are for root');
  t.equal((await ask(root, '/v1/reload', 'POST', 'x'.repeat(5_000))).status, 413);
  t.equal((await ask(all, `/${'x'.repeat(9_000)}`)).status, 431);

  for (const path of [h.directory, h.path('run')]) chmodSync(path, 0o755);
  const asNobody = (socket: string) =>
    spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', TRY, socket],
      {
        encoding: 'utf8',
      },
    ).stdout;
  t.equal(asNobody(all), '200');
  t.equal(asNobody(root), 'EACCES');
  await until('a request that does not come to its end is cut', () => slow.destroyed);
});

/** Prints the status of an answer, or why there is none. */
const TRY = `const call = require('http').request({ socketPath: process.argv[1], path: '/v1/status' },
  response => { process.stdout.write(String(response.statusCode)); response.resume(); });
  call.on('error', error => process.stdout.write(error.code)); call.end();`;

t.test('events: what happens, in order, with what a client missed', async t => {
  const { h, all, root } = await running(t);
  const first = new Listener(all);
  t.teardown(() => first.socket.terminate());
  const hello = await first.greeted();
  t.match(hello, { pid: h.treePid(), missed: false, newest: Number });

  const app = await h.app('web.0');
  process.kill(app, 'SIGKILL');
  const name = h.name('web.0');
  const exit = await first.saw('the end', event => event.type === 'exit');
  t.match(exit, {
    name,
    run: 1,
    failed: true,
    exit: { code: 137, words: 'killed by SIGKILL' },
    wallMs: Number,
  });
  const back = (event: LithosEvent) =>
    event.type === 'state' && event.to === 'running' && event.name === name;
  await first.saw('the next start', back);
  const seqs = first.events().map(({ seq }) => seq);
  t.same(
    seqs,
    [...seqs].sort((a, b) => a - b),
    'in order',
  );
  t.ok((seqs[0] ?? 0) > hello.newest);

  writeFileSync(h.path(`processes/${h.sandbox}.yaml`), 'web: [\n');
  const bad = await ask(root, '/v1/reload', 'POST');
  t.match(JSON.parse(bad.text), { ok: false, message: /yaml:\d+:\d+: / });
  const reload = await first.saw('the reading', event => event.type === 'reload');
  t.match(reload, { kept: [h.sandbox], errors: [/yaml:\d+:\d+: /] });
  h.processFile('web: {image: app.1, config: /config/web.yaml, instances: 1}\n');
  t.match(JSON.parse((await ask(root, '/v1/reload', 'POST')).text), { ok: true });
  await first.saw('an instance that goes', event => event.type === 'state' && event.to === 'gone');

  const late = new Listener(all, `?since=${hello.newest}`);
  t.teardown(() => late.socket.terminate());
  t.equal((await late.greeted()).missed, false);
  const told = first.events();
  await until('it has all it missed', () => late.events().length >= told.length);
  t.same(late.events().slice(0, told.length), told);
  const older = new Listener(all, '?since=1');
  t.teardown(() => older.socket.terminate());
  t.equal((await older.greeted()).missed, true);

  const wrong = new Listener(all, '?since=yesterday');
  await until('a bad number is refused', () => wrong.closed);
  first.socket.send('x'.repeat(2_000));
  await until('a client that talks too much is cut', () => first.closed);
  t.ok(isAlive(h.treePid()));
});

t.test('whoever takes all places that everybody has shuts out nobody', async t => {
  const { all, root } = await running(t);
  const mute = Array.from({ length: LITHOS_LIMITS.connections }, () => connect(all));
  t.teardown(() => mute.forEach(socket => void socket.destroy()));
  for (const socket of mute) socket.on('error', () => undefined);
  await Promise.all(mute.map(socket => once(socket, 'connect')));
  t.equal((await ask(all, '/v1/status')).status, 200, 'who has said nothing for longest goes');
  const listeners = Array.from({ length: LITHOS_LIMITS.eventClients }, () => new Listener(all));
  t.teardown(() => listeners.forEach(({ socket }) => void socket.terminate()));
  await Promise.all(listeners.map(listener => listener.greeted()));
  const late = new Listener(all);
  await until('one more is refused', () => late.closed);
  const ours = new Listener(root);
  t.teardown(() => ours.socket.terminate());
  t.ok((await ours.greeted()).newest > 0, 'root has places of its own');
});

t.test('verbs: restart is no failure, a failed instance starts again when it is cleared', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile('good', SLEEP, 'restart-timeout: 0');
  h.containerFile('bad', 'exit 3', 'restart-timeout: 0\nmax-failures: 2');
  h.processFile(
    'good: {image: app.1, config: /config/good.yaml, instances: 2}\nbad: {image: app.1, config: /config/bad.yaml}\n',
  );
  await h.start();
  const root = h.path('run/control.sock');
  const all = h.path('run/lithos.sock');
  await until('it has failed', () => h.instance('bad.0')?.state === 'failed');
  const bad = await json<InstanceDetail>(root, `/v1/instances/${h.name('bad.0')}`);
  t.match(bad, { failuresInRow: 2, ready: false, lastExit: { code: 3, words: 'exited with code 3' } });
  t.match(bad.words, /^failed: 2 failures in a row, the last one: exited with code 3$/);
  const runs = bad.run;
  const post = async (path: string) => JSON.parse((await ask(root, path, 'POST')).text);
  t.match(await post('/v1/clear-failed'), { ok: true, instances: [h.name('bad.0')] });
  await until('it has tried again', () => {
    const found = h.instance('bad.0');
    return found?.state === 'failed' && found.run >= runs + 2;
  });
  t.match(await post(`/v1/clear-failed/${h.name('good')}`), {
    ok: true,
    message: 'none has failed',
    instances: [],
  });

  const before = [await h.running('good.0'), await h.running('good.1')];
  const asked = await ask(root, `/v1/restart/${h.name('good.1')}`, 'POST');
  t.match(asked, { status: 202 });
  t.match(JSON.parse(asked.text), { ok: true, instances: [h.name('good.1')] });
  const again = await h.running('good.1', before[1]?.run);
  t.match(again, { failures: 0, lastExit: { requested: true } });
  t.equal(h.instance('good.0')?.pid, before[0]?.pid, 'the other one is not touched');
  t.match(await post(`/v1/restart/${h.name('good')}`), { instances: [h.name('good.0'), h.name('good.1')] });
  await h.running('good.0', before[0]?.run);
  t.match(await ask(root, '/v1/restart/nothing', 'POST'), { status: 404 });
  t.match(await ask(all, `/v1/restart/${h.name('good.0')}`, 'POST'), { status: 403 });
});

t.test('verbs: a restart goes on under the next supervisor, with its kill-timeout', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const trap = (what: string) => `trap 'echo asked; ${what}' TERM; echo up; while :; do sleep 0.02; done`;
  h.containerFile('deaf', trap(':'), 'restart-timeout: 0\nkill-timeout: 2');
  h.containerFile('slow', trap('sleep 1; exit 5'), 'restart-timeout: 0\nmax-failures: 1');
  h.processFile(
    ['deaf', 'slow'].map(name => `${name}: {image: app.1, config: /config/${name}.yaml}\n`).join(''),
  );
  await h.start();
  for (const name of ['deaf.0', 'slow.0']) await until(`${name} is up`, () => h.output(name).includes('up'));
  const runs = [h.instance('deaf.0')?.run, h.instance('slow.0')?.run];
  for (const name of ['deaf', 'slow'])
    t.match(await ask(h.path('run/control.sock'), `/v1/restart/${h.name(name)}`, 'POST'), { status: 202 });
  for (const name of ['deaf.0', 'slow.0'])
    await until(`${name} was asked`, () => h.output(name).includes('asked'));
  h.signal('SIGQUIT');
  t.match(await h.running('slow.0', runs[1]), { failures: 0, lastExit: { code: 5, requested: true } });
  t.match(await h.running('deaf.0', runs[0]), { lastExit: { code: 137, requested: true } });
});

t.test('sockets come back after a crash and an upgrade; without them the tree works', async t => {
  const { h, all } = await running(t);
  const before = new Listener(all);
  const { newest } = await before.greeted();
  await h.crash();
  t.ok(existsSync(all), 'a stale file is left');
  await h.start();
  t.equal((await json<TreeStatus>(all, '/v1/status')).pid, h.treePid());
  const after = new Listener(all, `?since=${newest}`);
  t.teardown(() => after.socket.terminate());
  const hello = await after.greeted();
  t.ok(hello.newest > newest, 'numbers go on growing');
  t.equal(hello.missed, true);

  const reloads = h.status()?.reloads ?? 0;
  h.signal('SIGQUIT');
  await until('it is replaced', () => (h.status()?.reloads ?? 0) > reloads);
  t.match(await json<TreeStatus>(all, '/v1/status'), { pid: h.treePid() });
  await until('the old stream has ended', () => after.closed);

  rmSync(all);
  await h.reload();
  await until('a deleted socket is made again', () => existsSync(all));
  t.equal((await ask(all, '/v1/status')).status, 200);

  t.equal(await h.stop(), 0);
  t.notOk(existsSync(all), 'nothing is left after an orderly stop');
  mkdirSync(join(all, 'in the way'), { recursive: true });
  await h.start();
  await h.running('web.0');
  await until('the log says so', () => /nobody can ask: /.test(h.log()));
  t.equal((await ask(h.path('run/control.sock'), '/v1/status')).status, 200, 'the other one works');
});

t.test('a client that does not read is cut, others are not', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'lithos-api-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'lithos.sock');
  const ring = new EventRing(10, 0);
  const stream = new EventStream({ version: '0', ring });
  const http = new HttpServer({
    log: createLogger({ write: () => undefined, wallMs: () => 0 }),
    upgrade: (...asked) => stream.upgrade('everybody', ...asked),
    answer: async () => refusal(404, ''),
  });
  const door = new UnixDoor(path, 0o600, http.connection);
  await door.open();
  t.teardown(() => door.close());
  const deaf = connect(path);
  deaf.on('error', () => undefined);
  const head = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
  deaf.write(
    `GET /v1/events HTTP/1.1\r\nhost: x\r\n${head.join('\r\n')}\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\n\r\n`,
  );
  await once(deaf, 'data');
  deaf.pause();
  const good = new Listener(path);
  t.teardown(() => good.socket.terminate());
  await good.greeted();
  const count = 2_000;
  for (let number = 0; number < count; number++) {
    stream.send(ring.add({ type: 'reload', reloads: number, errors: ['x'.repeat(1_000)], kept: [] }, 0));
    // The good one gets its turn to read.
    if (number % 100 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  let isCut = false;
  deaf.on('close', () => {
    isCut = true;
  });
  deaf.resume();
  await until('it is cut', () => isCut);
  await until('the other one has all', () => good.events().length === count);
  t.notOk(good.closed);
  const tooLong = new UnixDoor(join(directory, 'x'.repeat(100)), 0o600, http.connection);
  await t.rejects(tooLong.open(), /at most 107 bytes/);
});

t.test(
  '§7 metrics-file, §7 metrics-survive: cantal finds and reads them, counters outlive the supervisor',
  async t => {
    const { h, all } = await running(t);
    const cantal = join(command('lithos_tree'), '../../../cantal/bin/cantal.cjs');
    const { CANTAL_PATH: _ours, ...env } = process.env;
    const port = await freePort();
    const agent = spawn(
      process.execPath,
      [cantal, '--host', '127.0.0.1', '--port', String(port), '--interval', '200'],
      {
        stdio: 'ignore',
        env,
      },
    );
    t.teardown(async () => {
      agent.kill('SIGKILL');
      await once(agent, 'exit');
    });
    const read = (): string =>
      spawnSync(process.execPath, [cantal, 'print', String(h.treePid())], { encoding: 'utf8', env }).stdout;
    const value = (group: string, metric: string): number => {
      const found = new RegExp(`"group":"${group}","metric":"${metric}"\\} \\w+\\((\\d+)\\)`).exec(read());
      return Number(found?.[1]);
    };
    const process0 = `processes.${h.sandbox}.web`;
    t.equal(value('containers', 'started'), 2, 'two were started');
    t.equal(value('containers', 'running'), 2);
    t.equal(value('master', 'restarts'), 1, 'one start of the tree');
    t.equal(value('master', 'sandboxes'), 1);
    t.equal(value('master', 'containers'), 2);

    process.kill(await h.app('web.0'), 'SIGKILL');
    await h.running('web.0', 1);
    await until('the death is counted', () => value(process0, 'deaths') === 1);
    t.equal(value(process0, 'failures'), 1);
    t.equal(value(process0, 'started'), 3);
    await h.crash();
    await h.start();
    t.equal(value(process0, 'started'), 3, 'counters survive SIGKILL');
    t.equal(value('master', 'restarts'), 2);
    const reloads = h.status()?.reloads ?? 0;
    h.signal('SIGQUIT');
    await until('it is replaced', () => (h.status()?.reloads ?? 0) > reloads);
    t.equal(value(process0, 'deaths'), 1, 'and an upgrade');
    h.processFile(
      'web: {image: app.1, config: /config/web.yaml}\nmore: {image: app.1, config: /config/web.yaml}\n',
    );
    await h.reload();
    await h.running('more.0');
    await until(
      'a new group comes without harm',
      () => value(`processes.${h.sandbox}.more`, 'started') === 1,
    );
    t.equal(value(process0, 'started'), 3);
    t.notMatch(
      readFileSync(`/proc/${monitorOf(h)}/environ`, 'latin1'),
      'CANTAL_PATH',
      'monitors publish nothing',
    );

    const page = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const line = new RegExp(
      `^cantal_app_started_total\\{[^}]*pid="${h.treePid()}"[^}]*group="${process0}"[^}]*\\} 3$`,
      'm',
    );
    let last = '';
    await until('the agent has it', () => {
      void page().then(
        text => {
          last = text;
        },
        () => undefined,
      );
      return line.test(last);
    });

    const { text } = await ask(all, '/metrics');
    t.match(text, `lithos_instance_up{sandbox="${h.sandbox}",process="web",instance="0"} 1`);
    t.match(text, `lithos_process_started_total{sandbox="${h.sandbox}",process="web"} 3`);
    t.match(text, /^lithos_instance_memory_bytes\{[^}]*\} [1-9]\d*$/m);
  },
);

function monitorOf(h: Host): number {
  const run = h.instance('web.0')?.run;
  return Number(readFileSync(h.path(`run/instances/${h.name('web.0')}/${run}/conmon.pid`), 'utf8'));
}
