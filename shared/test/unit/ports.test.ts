import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Endpoint } from '../../src/ports/net.ts';
import { realClock, realDisk, realNet, realProc, realRandom } from '../../src/ports/real.ts';

t.test('clock', async t => {
  const startedMs = realClock.monotonicMs();
  await new Promise<void>(resolve => realClock.after(20.4, resolve));
  t.ok(realClock.monotonicMs() - startedMs >= 20.4, 'never before its time');
  t.ok(Math.abs(realClock.wallMs() - Date.now()) < 1000);
  let ran = false;
  realClock
    .after(5, () => {
      ran = true;
    })
    .cancel();
  const far = realClock.after(1e12, () => {
    ran = true;
  });
  await new Promise<void>(resolve => realClock.after(30, resolve));
  far.cancel();
  t.equal(ran, false, 'neither a cancelled one nor one far away');
});

t.test('random', async t => {
  const values = Array.from({ length: 2000 }, () => realRandom.between(3, 6));
  t.same([...new Set(values)].sort(), [3, 4, 5]);
  const fraction = realRandom.next();
  t.ok(fraction >= 0 && fraction < 1);
  t.equal(realRandom.bytes(16).length, 16);
  t.notSame(realRandom.bytes(16), realRandom.bytes(16));
});

t.test('datagrams', async t => {
  const received: { text: string; from: Endpoint }[] = [];
  let arrived = () => {};
  const first = new Promise<void>(resolve => {
    arrived = resolve;
  });
  const a = await realNet.udp('127.0.0.1', 0, (data, from) => {
    received.push({ text: Buffer.from(data).toString(), from });
    arrived();
  });
  const b = await realNet.udp('127.0.0.1', 0, () => {});
  t.not(a.port, b.port);
  b.send(Buffer.from('hello'), { address: '127.0.0.1', port: a.port });
  await first;
  t.same(received, [{ text: 'hello', from: { address: '127.0.0.1', port: b.port } }]);
  await t.rejects(
    realNet.udp('127.0.0.1', a.port, () => {}),
    { code: 'EADDRINUSE' },
  );
  await t.rejects(
    realNet.udp('192.0.2.1', 0, () => {}),
    { code: 'EADDRNOTAVAIL' },
  );
  b.send(Buffer.from('nobody'), { address: '127.0.0.1', port: 1 });
  // What a packet claims: as lost as any other, not an exception in the middle of an event loop.
  for (const port of [0, -1, 70_000, Number.NaN])
    t.doesNotThrow(() => b.send(Buffer.from('nowhere'), { address: '127.0.0.1', port }), `port ${port}`);
  for (const socket of [a, b]) socket.close();
  a.close();
  a.send(Buffer.from('closed'), { address: '127.0.0.1', port: b.port });
  const six = await realNet.udp('::1', 0, () => {});
  t.ok(six.port > 0);
  six.close();
});

t.test('files', async t => {
  const directory = t.testdir({ small: 'abc', 'ä.txt': 'ü' });
  const path = (name: string) => join(directory, name);
  t.equal(await realDisk.readText(path('small'), 3), 'abc');
  t.equal(await realDisk.readText(path('ä.txt'), 10), 'ü');
  t.equal(await realDisk.readText(path('absent'), 10), undefined);
  t.equal(await realDisk.readText(path('small/below'), 10), undefined);
  await t.rejects(realDisk.readBytes(path('small'), 2), { code: 'FILE_TOO_LARGE', maxBytes: 2 });
  await t.rejects(
    realDisk.readBytes('/proc/self/status', 10),
    { code: 'FILE_TOO_LARGE' },
    'also where the size is not known before',
  );
  t.match(await realDisk.readText('/proc/self/status', 1e6), /^Name:/);
  await t.rejects(realDisk.readText(directory, 10), { code: 'EISDIR' });
  t.same(await realDisk.list(directory), ['small', 'ä.txt']);
  t.equal(await realDisk.list(path('absent')), undefined);
  await realDisk.makeDirectory(path('x/y'), 0o700);
  await realDisk.makeDirectory(path('x/y'));
  t.equal(statSync(path('x/y')).mode & 0o777, 0o700);
  await realDisk.rename(path('small'), path('x/moved'));
  t.equal(readFileSync(path('x/moved'), 'utf8'), 'abc');
  await realDisk.remove(path('x'));
  await realDisk.remove(path('x'));
  t.notOk(existsSync(path('x')));
});

t.test('atomic writes', async t => {
  const directory = t.testdir({ old: 'old content' });
  const path = join(directory, 'old');
  const writes = Array.from({ length: 30 }, (_, index) =>
    realDisk.writeAtomic(path, `${index}`.repeat(50_000)),
  );
  let looks = 0;
  for (let open = true; open; looks++) {
    const text = readFileSync(path, 'utf8');
    const unit = text.slice(0, text.length / 50_000);
    if (text !== 'old content' && text !== unit.repeat(50_000)) t.fail('half a file was seen');
    open = await Promise.race([
      Promise.all(writes).then(() => false),
      new Promise<boolean>(resolve => setImmediate(resolve, true)),
    ]);
  }
  t.ok(looks > 1, `${looks} looks`);
  await realDisk.writeAtomic(path, new Uint8Array([1, 2]), { mode: 0o600, fsync: true });
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.same([...readFileSync(path)], [1, 2]);
  await t.rejects(realDisk.writeAtomic(join(directory, 'none', 'x'), ''), { code: 'ENOENT' });
  writeFileSync(join(directory, 'target'), 'kept');
  symlinkSync('target', join(directory, 'link'));
  await realDisk.writeAtomic(join(directory, 'link'), 'new');
  t.equal(readFileSync(join(directory, 'target'), 'utf8'), 'kept', 'a link is replaced, not followed');
  t.same(readdirSync(directory).sort(), ['link', 'old', 'target'], 'no temporary file is left');
});

t.test('processes', async t => {
  const lines: string[] = [];
  const script = 'cat; echo "$X"; echo err >&2; printf last; exit 3';
  const result = await realProc.run(['sh', '-c', script], {
    input: 'in\n',
    env: { X: 'ü' },
    onLine: (stream, line) => lines.push(`${stream} ${line}`),
  });
  t.match(result, {
    code: 3,
    signal: null,
    stdout: 'in\nü\nlast',
    stderr: 'err\n',
    timedOut: false,
    truncated: false,
  });
  t.same(
    lines.filter(line => line.startsWith('stdout')),
    ['stdout in', 'stdout ü', 'stdout last'],
  );
  t.ok(lines.includes('stderr err'));
  t.match(await realProc.run(['pwd'], { cwd: '/usr' }), { stdout: '/usr\n' });
  t.match(await realProc.run(['id', '-u'], { uid: 65_534, gid: 65_534 }), { stdout: '65534\n' });
  t.match(await realProc.run(['sh', '-c', 'kill -9 $$']), { code: null, signal: 'SIGKILL' });
  t.match(await realProc.run(['true'], { input: 'x'.repeat(1e6) }), { code: 0 }, 'input that nobody reads');
});

t.test('processes that fail to start, hang or talk too much', async t => {
  t.match(await realProc.run(['no-such-program']), { code: null, notFound: true, stderr: /ENOENT/ });
  t.match(await realProc.run(['/etc/passwd']), { notFound: true });
  t.match(await realProc.run([]), { code: null, stderr: /./ });
  const hung = await realProc.run(['sh', '-c', 'echo begun; sleep 60 & wait'], { timeoutMs: 100 });
  t.match(hung, { timedOut: true, signal: 'SIGKILL', stdout: 'begun\n' });
  t.ok(hung.durationMs < 10_000, 'a grandchild that holds the pipe is not waited for');
  const loud = await realProc.run(['sh', '-c', 'yes | head -c 100000'], { maxOutputBytes: 1000 });
  t.match(loud, { code: 0, truncated: true });
  t.equal(loud.stdout.length, 1000);
  let longest = 0;
  const endless = ['sh', '-c', 'head -c 300000 /dev/zero | tr "\\0" x'];
  await realProc.run(endless, {
    onLine: (_, line) => {
      longest = Math.max(longest, line.length);
    },
  });
  t.ok(longest > 0 && longest < 200_000, `a line without an end comes in pieces of ${longest}`);
});

t.test('a temporary file somebody else left is no obstacle', async t => {
  const directory = t.testdir({});
  // In containers a process has the same pid at every start, and two containers may share a directory.
  const left = Array.from({ length: 200 }, (_, index) => `.${process.pid}.${index}.tmp`);
  for (const name of left) writeFileSync(join(directory, name), 'theirs');
  await realDisk.writeAtomic(join(directory, 'file'), 'ours');
  t.equal(readFileSync(join(directory, 'file'), 'utf8'), 'ours');
  t.same(readdirSync(directory).sort(), [...left, 'file'].sort(), 'and it stays theirs');
});

t.test('a time-out longer than a timer can be', async t => {
  for (const timeoutMs of [2 ** 31, Number.POSITIVE_INFINITY]) {
    const result = await realProc.run(['sleep', '0.05'], { timeoutMs });
    t.match(result, { code: 0, timedOut: false }, `${timeoutMs}`);
  }
});
