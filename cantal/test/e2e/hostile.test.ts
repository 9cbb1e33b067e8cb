import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { type Daemon, directory, startDaemon, until } from './daemons.ts';

// Clients that are broken, greedy or many. The daemon serves the others meanwhile and is the same afterwards.

const UPGRADE = [
  'HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
].join('\r\n');

const EVERYTHING = {
  series: { source: 'Fine', condition: ['Has', 'metric'] },
  extract: ['HistoryByTime', 3_600_000],
  functions: [],
};

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sockets the daemon holds; its other descriptors come and go with the processes it watches. */
function sockets(daemon: Daemon): number {
  const root = `/proc/${daemon.child.pid}/fd`;
  const isSocket = (fd: string): boolean => {
    try {
      return readlinkSync(`${root}/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  };
  return readdirSync(root).filter(isSocket).length;
}

const rssMiB = (daemon: Daemon): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8'))?.[1]) / 1024;

/** What the daemon has worked so far: on a busy machine the time that an answer takes says nothing about it. */
function processorMs(daemon: Daemon): number {
  const stat = readFileSync(`/proc/${daemon.child.pid}/stat`, 'latin1');
  // Of proc(5), behind the name: utime and stime, in hundredths of a second.
  const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
  return (user + system) * 10;
}

/** A client frame with text, masked with zeros. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([
    Buffer.from([0x81, 0x80 | 126, body.length >> 8, body.length & 255, 0, 0, 0, 0]),
    body,
  ]);
}

t.test('connections reset in the middle of an upgrade or a body', async t => {
  const port = await freePort();
  const daemon = startDaemon(t, '127.0.0.1', port, ['--interval', '200']);
  await daemon.ready();
  const before = sockets(daemon);
  const requests = [
    `GET /wrong ${UPGRADE}`,
    `GET /ws ${UPGRADE}`,
    'POST /query.json HTTP/1.1\r\nHost: x\r\nContent-Length: 9',
  ];
  for (let round = 0; round < 100; round++) {
    const socket = await open(port);
    socket.write(`${requests[round % 3]}\r\n\r\n{`, () =>
      setTimeout(() => socket.resetAndDestroy(), round % 5),
    );
  }
  const held = await Promise.all(Array.from({ length: 20 }, () => open(port)));
  for (const socket of held) socket.write(`GET /wrong ${UPGRADE}\r\n\r\n`);
  await until('all sockets are given back', 60_000, () => (sockets(daemon) <= before + 2 ? true : undefined));
  for (const socket of held) socket.destroy();
  t.ok((await daemon.status()).scans > 0);
  t.notMatch(daemon.log, /bug of cantal/);
  t.equal(daemon.child.exitCode, null);
});

t.test('500 requests at once, and a WebSocket client that never reads', async t => {
  const port = await freePort();
  const daemon = startDaemon(t, '127.0.0.1', port, ['--interval', '200']);
  await daemon.ready();
  const paths = ['/status.json', '/metrics', '/all_processes.json', '/all_peers'];
  const answers = Array.from({ length: 500 }, async (_, index) => {
    const answer = await fetch(`${daemon.base}${paths[index % paths.length]}`, {
      headers: { connection: 'close' },
    });
    await answer.arrayBuffer();
    return answer.status;
  });
  t.same([...new Set(await Promise.all(answers))], [200]);

  const deaf = await open(port);
  deaf.write(`GET /ws ${UPGRADE}\r\n\r\n`);
  await once(deaf, 'data');
  deaf.pause();
  const rules = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`r${index}`, EVERYTHING]));
  for (let id = 0; id < 64; id++)
    deaf.write(frame(JSON.stringify({ type: 'subscribe', id: String(id), rules })));
  let busiestMs = 0;
  let largestMiB = 0;
  // Only the connection of this loop's own requests is left when the deaf one is gone.
  const withDeaf = sockets(daemon);
  await until('the deaf client is cut off', 120_000, async () => {
    const beforeMs = processorMs(daemon);
    await daemon.status();
    busiestMs = Math.max(busiestMs, processorMs(daemon) - beforeMs);
    largestMiB = Math.max(largestMiB, rssMiB(daemon));
    return sockets(daemon) < withDeaf ? true : undefined;
  });
  t.ok(largestMiB < 400, `${Math.round(largestMiB)} MiB at most`);
  t.ok(busiestMs < 500, `others waited for ${busiestMs} ms of work at most`);
  deaf.destroy();
});

t.test('a damaged storage directory is reported and does not stop the start', async t => {
  const storage = directory(t);
  mkdirSync(join(storage, 'peers.json'));
  const port = await freePort();
  const daemon = startDaemon(t, '127.0.0.1', port, ['--cluster-name', 'x', '--storage-dir', storage]);
  await daemon.ready();
  await until('it says so', 60_000, () => /peers\.json cannot be read/.test(daemon.log) || undefined);
});
