import { connect } from 'node:net';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { Host, until } from '../support.ts';

// A service under constant load while everything behind its socket is replaced again and again.

t.setTimeout(300_000);

const PER_SECOND = 200;
const TICK_MS = 5;
const RESTARTS = 50;
const UPGRADES = 5;
const SERVER =
  'open(my $s, "+<&=", 3) or die $!; while (accept(my $c, $s)) { syswrite($c, "$$\\n"); shutdown($c, 1); close($c) }';

interface Counts {
  sent: number;
  answered: number;
  /** Nobody listened. */
  refused: number;
  /** Connected, and cut off before the answer: a program that had accepted it was killed. */
  cut: number;
  other: string[];
  slowestMs: number;
}

/** One request, one new connection. */
function request(port: number, counts: Counts): Promise<void> {
  const begunMs = performance.now();
  counts.sent++;
  return new Promise(resolve => {
    const client = connect(port, '127.0.0.1');
    let [connected, said] = [false, ''];
    client.on('connect', () => {
      connected = true;
    });
    client.on('data', chunk => {
      said += chunk;
    });
    client.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') counts.refused++;
      else if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') counts.other.push(error.message);
    });
    client.on('close', () => {
      counts.slowestMs = Math.max(counts.slowestMs, performance.now() - begunMs);
      if (said.endsWith('\n')) counts.answered++;
      else if (connected) counts.cut++;
      resolve();
    });
  });
}

/** Keeps the rate however busy this process is; `stop` resolves with the seconds of asking when the last answer is there. */
function load(port: number): { readonly counts: Counts; readonly stop: () => Promise<number> } {
  const counts: Counts = { sent: 0, answered: 0, refused: 0, cut: 0, other: [], slowestMs: 0 };
  const begunMs = performance.now();
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begunMs) / 1000) * PER_SECOND);
    while (counts.sent < due) {
      const one = request(port, counts).then(() => void open.delete(one));
      open.add(one);
    }
  }, TICK_MS);
  const stop = async () => {
    clearInterval(timer);
    const seconds = (performance.now() - begunMs) / 1000;
    await Promise.all(open);
    return seconds;
  };
  return { counts, stop };
}

t.test(`no connection is refused in ${RESTARTS} restarts, ${UPGRADES} upgrades and a crash`, async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const port = await freePort();
  h.sandboxFile('allow-tcp-ports: [1-65535]');
  const ports = `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1, listen-backlog: 1024}}`;
  h.containerFile('web', `exec perl -e '${SERVER}'`, `restart-timeout: 0\n${ports}`);
  h.processFile('web: {image: app.1, config: /config/web.yaml}');
  await h.start();
  let run = 0;
  const kill = async () => {
    const found = await h.running('web.0', run);
    run = found.run;
    process.kill(found.pid, 'SIGKILL');
  };
  const upgrade = async () => {
    await h.listens();
    const before = h.status()?.reloads ?? 0;
    h.signal('SIGQUIT');
    return async () => {
      await until('the supervisor is replaced', () => (h.status()?.reloads ?? 0) > before);
    };
  };
  await h.running('web.0');
  const { counts, stop } = load(port);
  for (let restart = 1; restart <= RESTARTS; restart++) {
    // Every tenth time the program dies while the supervisor is being replaced.
    const replaced = restart % (RESTARTS / UPGRADES) === 0 ? await upgrade() : undefined;
    await kill();
    await replaced?.();
    if (restart === RESTARTS / 2) {
      await h.running('web.0', run);
      await h.crash();
      await h.start();
    }
  }
  await h.running('web.0', run);
  const seconds = await stop();
  const { sent, answered, refused, cut, other, slowestMs } = counts;
  t.comment(
    `${sent} requests in ${seconds.toFixed(1)} s, ${answered} answered, ${refused} refused, ${cut} cut by a KILL, slowest ${slowestMs.toFixed(0)} ms`,
  );
  t.equal(refused, 0, 'never refused');
  t.same(other, []);
  t.equal(answered + cut, sent, 'every other request is answered');
  t.ok(cut <= RESTARTS, 'a KILL cuts at most the connection the program had accepted');
  t.ok(sent >= seconds * PER_SECOND * 0.95, 'the load was what it should be');
  t.ok((h.instance('web.0')?.restarts ?? 0) >= RESTARTS, 'and so were the restarts');
  t.equal(h.log().match(/"re-exec"/g)?.length, UPGRADES, 'and the upgrades');
});
