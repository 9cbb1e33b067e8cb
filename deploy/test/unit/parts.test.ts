import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Bench, runBench } from '../../src/bench/harness.ts';
import { Load, type LoadCounts } from '../../src/demo/cluster/load.ts';
import { alone, dropLock, takeLock } from '../../src/demo/host/state.ts';
import { explain } from '../../src/demo/images/build.ts';
import { places } from '../../src/demo/places.ts';
import { keysOf } from '../../src/demo/screen/interactive.ts';

// ---- one demo per checkout ----------------------------------------------------------------------------------------

t.test('the lock', async t => {
  const place = places(t.testdir({}));
  takeLock(place);
  t.throws(() => takeLock(place), /already runs \(process \d+\)/);
  dropLock(place);
  for (const dead of ['', '1\n', '4194000 17\n', `${process.pid} 1\n`, '\0\0\0']) {
    writeFileSync(place.lock, dead);
    t.doesNotThrow(() => takeLock(place), `the lock of a dead demo: ${JSON.stringify(dead)}`);
    t.throws(() => takeLock(place), /already runs/);
    dropLock(place);
  }
  t.same(readdirSync(place.demo), [], 'no drafts stay');
});

t.test('what only one demo of the machine may do', async t => {
  const { signal } = new AbortController();
  let inside = 0;
  let most = 0;
  const visit = async () => {
    most = Math.max(most, ++inside);
    await sleep(20);
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => alone(visit, signal)));
  t.equal(most, 1);
  await t.rejects(
    alone(() => Promise.reject(new Error('broken')), signal),
    /broken/,
  );
  await alone(visit, signal);
  t.equal(inside, 0);
});

// ---- the bench harness --------------------------------------------------------------------------------------------

t.test('a benchmark undoes its preparation whatever happens', async t => {
  const undone: string[] = [];
  const bench = (run: () => number | Promise<number>, fails = false): Bench => ({
    name: 'b',
    summary: '',
    rounds: 3,
    async prepare(defer) {
      defer(() => void undone.push('first'));
      if (fails) throw new Error('half-way');
      defer(() => void undone.push('second'));
      return { contenders: [{ name: 'c', role: 'raw', run }], notes: [] };
    },
  });
  await t.rejects(runBench(bench(() => 1, true)), /half-way/);
  t.same(undone.splice(0), ['first']);
  const stopping = new AbortController();
  let runs = 0;
  const stop = () => {
    if (++runs === 2) setImmediate(() => stopping.abort(new Error('stopped')));
    return 1;
  };
  await t.rejects(runBench(bench(stop), 1000, stopping.signal), /stopped/);
  t.ok(runs < 10, 'at once');
  t.same(undone.splice(0), ['second', 'first']);
  const waiting = new AbortController();
  const never = () => {
    setImmediate(() => waiting.abort(new Error('stopped')));
    return new Promise<number>(() => undefined);
  };
  await t.rejects(runBench(bench(never), 3, waiting.signal), /stopped/, 'a run that never ends as well');
  t.same(undone.splice(0), ['second', 'first']);
  const report = await runBench(bench(() => 2));
  t.match(report.figures, [{ runs: 3, medianMs: 2, ratioToRaw: 1 }]);
  t.same(undone, ['second', 'first']);
});

t.test('a build that failed says what a person can do', async t => {
  const full = explain(
    'base',
    25,
    'Failed to fetch http://mirror.test Write error - write (28: No space left on device)',
  );
  t.match(full, /^the disk is full/);
  t.match(
    explain('base', 25, 'W: Failed to fetch http://mirror.test  Could not resolve'),
    /^the Debian mirror could not be reached/,
  );
  t.match(explain('base', 3, 'boom'), /^vagga could not build the image base \(exit 3\)\nboom/);
});

// ---- the load -----------------------------------------------------------------------------------------------------

/** Runs a load against a server until `isEnough`. */
async function load(server: Server, isEnough: (counts: LoadCounts) => boolean): Promise<LoadCounts> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const stream = new Load(() => '127.0.0.1', (server.address() as AddressInfo).port);
  stream.start(200);
  const deadline = performance.now() + 60_000;
  while (!isEnough(stream.counts()) && performance.now() < deadline) await sleep(10);
  const counts = stream.take();
  stream.close();
  server.closeAllConnections();
  server.close();
  return counts;
}

t.test('the load', async t => {
  t.test('counts failures by their reason, and workers by their names', async t => {
    let asked = 0;
    const server = createServer((question, answer) => {
      asked++;
      if (asked % 4 === 1) answer.writeHead(502).end();
      else if (asked % 4 === 2)
        answer.writeHead(200, { 'content-length': '10' }).write('half', () => question.destroy());
      else answer.writeHead(200, { 'x-demo-worker': `mars/django/worker.${asked % 4}` }).end('page');
    });
    const counts = await load(server, ({ sent }) => sent >= 40);
    t.ok((counts.failures['502'] ?? 0) > 0, 'a bad status');
    t.ok((counts.failures['cut off'] ?? 0) > 0, 'half an answer');
    t.equal(
      counts.failed,
      Object.values(counts.failures).reduce((sum, count) => sum + count, 0),
    );
    t.equal(counts.workers, 2);
    t.ok(counts.answered > 0 && counts.answered + counts.failed <= counts.sent);
  });

  t.test('asks again when a kept connection was closed, and says how often', async t => {
    const served = new WeakSet<object>();
    const server = createServer((question, answer) => {
      // As an nginx worker that was told to go: it answered on this connection before, now it closes it.
      if (served.has(question.socket)) {
        question.socket.destroy();
        return;
      }
      served.add(question.socket);
      answer.end('page');
    });
    const counts = await load(server, ({ retried, answered }) => retried >= 5 && answered >= 5);
    t.ok(counts.retried >= 5);
    t.equal(counts.failed, 0);
  });

  t.test('a new connection that is reset is a failure', async t => {
    const server = createServer(question => question.socket.destroy());
    const counts = await load(server, ({ failed }) => failed >= 5);
    t.equal(counts.retried, 0);
    t.ok((counts.failures.ECONNRESET ?? 0) >= 5);
  });
});

t.test('keys', async t => {
  t.same(keysOf('w'), ['w']);
  t.same(keysOf('wl\u0003'), ['w', 'l', '\u0003'], 'Ctrl-C behind others is not lost');
  t.same(keysOf('\u001b[c'), [], 'an arrow key is no command');
  t.same(keysOf('\u001b[c\u0003'), ['\u0003']);
});
