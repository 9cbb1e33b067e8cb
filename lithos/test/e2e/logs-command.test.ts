// lithos_logs reads files, so most of it is shown with files alone; and what the tree says of itself and of sandboxes.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { bindDatagram, receiveDatagram } from '@suite/shared/linux/unix-datagram.ts';
import t from 'tap';
import { command, Host, until } from '../support.ts';

t.setTimeout(300_000);

const FOREVER = 'while :; do sleep 1000; done';

type Test = Pick<typeof t, 'teardown'>;

async function host(test: Test, master = ''): Promise<Host> {
  const made = await Host.make(master);
  test.teardown(() => made.dispose());
  return made;
}

const at = (second: number) => `2020-11-20T10:00:${String(second).padStart(2, '0')}.000000000+00:00`;

/** Logs of three instances, of which one was rotated twice and has a line in parts. */
async function withLogs(test: Test): Promise<Host> {
  const h = await host(test);
  const log = (name: string, ...lines: string[]) =>
    h.write(`log/stdio/${name}`, lines.map(line => `${line}\n`).join(''));
  log('web.worker.0.log.2', `${at(1)} stdout F one`, `${at(2)} stdout P two, `);
  log('web.worker.0.log.1', `${at(3)} stdout F half`, `${at(6)} stderr F error six`);
  log('web.worker.0.log', `${at(9)} lithos F ----- exited with code 3, uptime 1 s -----`);
  log('web.worker.1.log', `${at(4)} stdout F four`, '2020-11-20T10:torn', `${at(8)} stdout F eight`);
  log('db.main.0.log', `${at(5)} stdout F five`);
  return h;
}

function logs(h: Host, ...args: string[]): string[] {
  const result = h.run('lithos_logs', '-C', h.path('master.yaml'), ...args);
  if (result.code !== 0) return [`${result.code}`, ...result.stderr.trimEnd().split('\n')];
  return result.stdout.split('\n').slice(0, -1);
}

t.test('lithos_logs merges instances and old files by time, without a tree', async t => {
  const h = await withLogs(t);
  t.same(logs(h, 'web/worker.0'), [
    'one',
    'two, half',
    'error six',
    '----- exited with code 3, uptime 1 s -----',
  ]);
  t.same(logs(h, '-t', 'db'), [`${at(5)} five`]);
  t.same(
    logs(h, 'web', 'db/main').map(line => line.replace(/ +/, ' ')),
    [
      'web/worker.0 one',
      'web/worker.0 two, half',
      'web/worker.1 four',
      'web/worker.1 2020-11-20T10:torn',
      'db/main.0 five',
      'web/worker.0 error six',
      'web/worker.1 eight',
      'web/worker.0 ----- exited with code 3, uptime 1 s -----',
    ],
  );
  t.same(
    logs(h, '--tail', '1', 'web').map(line => line.replace(/ +/, ' ')),
    ['web/worker.1 eight', 'web/worker.0 ----- exited with code 3, uptime 1 s -----'],
  );
  t.same(logs(h, '--grep', 'half', '--tail', '5', 'web/worker.0'), ['two, half']);
  t.same(logs(h, '--since', '2020-11-20T10:00:06Z', 'web/worker'), logs(h, 'web').slice(-3));
  t.same(logs(h, '--since', '1s', 'db'), [], 'nothing so young');
  t.same(JSON.parse(logs(h, '--json', '--tail', '2', 'web/worker.0')[0] as string), {
    time: at(6),
    instance: 'web/worker.0',
    stream: 'stderr',
    text: 'error six',
  });
});

t.test('lithos_logs says which logs there are, and what is wrong with its arguments', async t => {
  const h = await withLogs(t);
  t.match(logs(h), ['1', /whose log/, '  db/main.0', '  web/worker.0', '  web/worker.1']);
  t.match(logs(h, 'web/woker'), ['1', 'lithos_logs: no log of `web/woker`: did you mean `web/worker`?']);
  t.match(logs(h, '--since', 'soon', 'web'), ['2', /--since: `soon` is neither a duration/]);
  t.match(logs(h, '--tail', '-1', 'web'), ['2', /--tail/]);
  rmSync(h.path('log'), { recursive: true });
  t.match(logs(h, 'web'), ['1', /stdio-log-dir .*ENOENT/]);
  mkdirSync(h.path('log/stdio'), { recursive: true });
  t.match(logs(h, 'web'), ['1', /no program has written a log/]);
});

t.test('lithos_logs -f goes on across rotations, and shows instances that are new', async t => {
  const h = await withLogs(t);
  const child = spawn(process.execPath, [command('lithos_logs'), '-C', h.path('master.yaml'), '-f', 'web']);
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', chunk => {
    said += chunk;
  });
  const path = h.path('log/stdio/web.worker.1.log');
  await until('it has begun', () => said.includes('eight'));
  const append = (line: string, to = path) =>
    writeFileSync(to, `${at(10)} stdout F ${line}\n`, { flag: 'a' });
  append('before');
  renameSync(path, `${path}.2`);
  append('late', `${path}.2`);
  append('between', `${path}.1`);
  append('after');
  h.write('log/stdio/web.worker.10.log', `${at(11)} stdout F new one\n`);
  await until('it has seen the new one', () => said.includes('new one'));
  const words = said.split('\n').map(line => line.replace(/^\S+ +/, ''));
  t.same(words.slice(-6, -1), ['before', 'late', 'between', 'after', 'new one']);
  append(`much ${'more '.repeat(100)}before`);
  await until('it has seen that too', () => said.includes('more before'));
  truncateSync(path);
  append('since it was emptied');
  await until('it has begun that file again', () => said.includes('since it was emptied'));
  child.stdout.destroy();
  append('nobody reads this');
  await until('it ends when nobody reads', () => child.exitCode !== null);
  t.equal(child.exitCode, 0);
});

t.test(
  '§7 master-log, §7 sandbox-log, §2.2 sandbox-log-file, §2.2 sandbox-log-level: a sandbox has its own log',
  async t => {
    const h = await host(t);
    h.containerFile('web', FOREVER, 'restart-timeout: 0');
    h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
    h.sandboxFile('log-file: own/name.log\nlog-level: warn');
    await h.start();
    const { run } = await h.running('web.0');
    process.kill(await h.app('web.0'), 'SIGKILL');
    await h.running('web.0', run);
    const lines = (file: string) =>
      readFileSync(h.path(`log/${file}`), 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line));
    const own = await until('it says so', () => {
      const found = existsSync(h.path('log/own/name.log')) ? lines('own/name.log') : [];
      return found.filter(({ message }) => message.endsWith(' started')).length === 2 && found;
    });
    t.match(
      own.find(({ level }) => level === 'error'),
      { unit: 'lithos_tree', message: `${h.name('web.0')} killed by SIGKILL` },
    );
    t.ok(own.every(({ message }) => message.includes(h.sandbox)));
    t.notOk(
      own.some(({ level }) => !['warn', 'error'].includes(level)),
      'at its own level',
    );
    t.ok(
      lines('master.log').some(({ level }) => level === 'info'),
      'not that of the tree',
    );
    // Moved away by hand.
    for (const name of ['master.log', 'own/name.log'])
      renameSync(h.path(`log/${name}`), h.path(`log/${name}.old`));
    await h.reload();
    process.kill(await h.app('web.0', run), 'SIGKILL');
    await until(
      'both are there again',
      () => existsSync(h.path('log/master.log')) && existsSync(h.path('log/own/name.log')),
    );
  },
);

t.test('the logs of the tree are rotated', async t => {
  const h = await host(t, 'stdio-log-size: 4096\nstdio-log-files: 2');
  await h.start();
  for (let round = 0; round < 12; round++) {
    h.processFile(`web: {image: none.${round}, config: /config/web.yaml}\n`);
    await h.reload();
  }
  const sizes = ['master.log', 'master.log.1'].map(name => statSync(h.path(`log/${name}`)).size);
  t.ok(
    sizes.every(size => size < 3 * 4096),
    `${sizes}`,
  );
  t.notOk(existsSync(h.path('log/master.log.2')));
  for (const line of readFileSync(h.path('log/master.log.1'), 'utf8').trimEnd().split('\n')) JSON.parse(line);
});

t.test('§3.5 history-rotation: rotated from N to N+1 above 10 MiB', async t => {
  const h = await host(t);
  h.processFile('{}\n');
  const file = h.write(`log/config/${h.sandbox}.log`, 'old\n');
  truncateSync(file, 10 * 1024 * 1024 + 1);
  writeFileSync(`${file}.1`, 'older\n');
  writeFileSync(`${file}.100`, 'oldest\n');
  await h.start();
  t.equal(readFileSync(`${file}.2`, 'utf8'), 'older\n');
  t.equal(statSync(`${file}.1`).size, 10 * 1024 * 1024 + 1);
  t.notOk(existsSync(`${file}.100`));
  t.match(readFileSync(file, 'utf8'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \{.*\}\n$/);
});

/** /dev/log of a mount namespace that only the tree sees. */
function privateSyslog(h: Host): string[] {
  const script = `mount --bind ${h.path('syslog')} /dev/log && exec "$@"`;
  return [
    'unshare',
    '--fork',
    '--kill-child',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    script,
    'sh',
  ];
}

t.test('§2.1 syslog-facility, syslog-app-name: the logs of tree and sandboxes go to /dev/log', async t => {
  const h = await host(t, 'syslog-facility: local3\nsyslog-app-name: overseer');
  h.containerFile('web', 'echo hello; while :; do sleep 1000; done', 'restart-timeout: 0');
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  // A mount point is needed; where a syslog runs there is one.
  const isMine = !existsSync('/dev/log');
  if (isMine) writeFileSync('/dev/log', '');
  t.teardown(() => isMine && rmSync('/dev/log', { force: true }));
  const socket = bindDatagram(h.path('syslog'));
  t.teardown(() => closeSync(socket));
  await h.start(privateSyslog(h));
  await h.running('web.0');
  const messages: string[] = [];
  const into = Buffer.alloc(65_536);
  const receive = () => {
    for (let size = receiveDatagram(socket, into); size !== undefined; size = receiveDatagram(socket, into))
      messages.push(into.toString('utf8', 0, size));
    return messages;
  };
  const pid = h.treePid();
  const date = '[A-Z][a-z]{2} [ 123]\\d \\d\\d:\\d\\d:\\d\\d';
  // local3 is 19, warning is 4.
  const started = new RegExp(`^<156>${date} overseer\\[${pid}\\]: ${h.name('web.0')} started \\{"pid":`);
  const ofSandbox = new RegExp(`^<156>${date} overseer-${h.sandbox}\\[${pid}\\]: ${h.name('web.0')} started`);
  for (const wanted of [started, ofSandbox])
    await until(`${wanted} is told`, () => receive().some(text => wanted.test(text)));
  t.notOk(existsSync(h.path('log/master.log')), 'instead of the files');
  await until('what programs write stays in files', () => h.output('web.0').join() === 'hello');
  // A receiver that does not read any more: its queue fills up, and nobody waits for it.
  for (let round = 0; round < 10; round++) await h.reload();
  receive();
  t.equal(await h.stop(), 0);
});

t.test('an unknown syslog facility is said on stderr, and files are used', async t => {
  const h = await host(t, 'syslog-facility: local9');
  await h.start();
  const said = 'syslog-facility: there is no facility local9: logging to files';
  await until('it says so', () => h.said.includes(said));
  t.match(h.log(), '"message":"started"');
});
