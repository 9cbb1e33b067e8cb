import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { setCloseOnExec } from '../../src/linux/fd-flags.ts';
import {
  copyListeningSockets,
  inheritedListeningSockets,
  listeningSocket,
} from '../../src/linux/listening.ts';
import { inNetwork, loopbackUp, newNetwork } from '../../src/linux/netns.ts';
import { decodeAddress, inetAddress, unixAddress } from '../../src/linux/socket-address.ts';
import { listenSocket } from '../../src/linux/sockets.ts';
import { boundName, listenUnixSocket, removeStaleSocket } from '../../src/linux/unix-socket.ts';

const OWNER = { user: 1234, group: 2345 };
const ANY_PORT = { port: 0, backlog: 5, reuseAddress: true, reusePort: false };

async function portOf(fd: number): Promise<number> {
  const found = listeningSocket(fd);
  if (found?.address.kind !== 'tcp') throw new Error('not a TCP socket');
  return found.address.port;
}

async function connected(target: string | number): Promise<boolean> {
  const client = typeof target === 'string' ? connect(target) : connect(target, '127.0.0.1');
  const result = await Promise.race([
    once(client, 'connect').then(() => true),
    once(client, 'error').then(() => false),
  ]).catch(() => false);
  client.destroy();
  return result;
}

t.test('addresses as the kernel has them', async t => {
  for (const [host, canonical] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::', '::'],
    ['fd00:0:0:0:0:0:0:2', 'fd00::2'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ] as const) {
    const { bytes } = inetAddress(host, 8080);
    t.same(decodeAddress(bytes), { kind: 'tcp', host: canonical, port: 8080 });
  }
  t.same(decodeAddress(unixAddress('/run/a b')), { kind: 'unix', path: '/run/a b' });
  t.throws(() => unixAddress(`/${'x'.repeat(107)}`), { code: 'ENAMETOOLONG' });
  t.equal(decodeAddress(Buffer.alloc(16, 0xff)), undefined, 'another family');
});

t.test('a TCP socket belongs to the user it is made for, and `::` takes IPv4 too', async t => {
  const fd = listenSocket({ ...ANY_PORT, host: '::', owner: OWNER });
  t.teardown(() => closeSync(fd));
  t.equal(fstatSync(fd).uid, OWNER.user);
  t.equal(fstatSync(fd).gid, OWNER.group);
  t.ok(await connected(await portOf(fd)), 'a client of the other family');
  const file = join(t.testdir(), 'after');
  writeFileSync(file, '');
  t.equal(lstatSync(file).uid, 0, 'what we make afterwards is ours again');
});

t.test('unix sockets', async t => {
  const root = t.testdir({ inner: {}, plain: 'text' });
  const path = join(root, 'inner', 'app.sock');
  const options = { path, root, backlog: 5, mode: 0o640, owner: OWNER };

  t.test('mode and owner, and a name longer than an address may be', async t => {
    const deep = join(root, 'd'.repeat(100), 'e'.repeat(100));
    mkdirSync(deep, { recursive: true });
    const long = { ...options, path: join(deep, 'app.sock') };
    const fd = listenUnixSocket(long);
    const stats = lstatSync(long.path);
    t.same([stats.uid, stats.gid, stats.mode & 0o777], [OWNER.user, OWNER.group, 0o640]);
    t.same(readdirSync(deep), ['app.sock'], 'no other name is left');
    const found = listeningSocket(fd);
    t.ok(found?.address.kind === 'unix' && found.address.path.endsWith(`/${boundName(long.path)}`));
    closeSync(fd);
  });

  t.test('one in use stays, a stale one is replaced, and removed when asked', async t => {
    const fd = listenUnixSocket(options);
    t.ok(await connected(path));
    t.throws(() => listenUnixSocket(options), { code: 'EADDRINUSE' });
    removeStaleSocket(options);
    t.ok(existsSync(path), 'in use: stays');
    closeSync(fd);
    t.notOk(await connected(path), 'stale');
    const again = listenUnixSocket(options);
    t.ok(await connected(path));
    closeSync(again);
    removeStaleSocket(options);
    t.notOk(existsSync(path));
  });

  t.test('no other file is replaced, and no link leads out', async t => {
    const plain = { ...options, path: join(root, 'plain') };
    t.throws(() => listenUnixSocket(plain), { code: 'EEXIST' });
    removeStaleSocket(plain);
    t.equal(readFileSync(plain.path, 'utf8'), 'text');
    const outside = t.testdir();
    symlinkSync(outside, join(root, 'out'));
    t.throws(() => listenUnixSocket({ ...options, path: join(root, 'out', 'x.sock') }), { code: 'EXDEV' });
    symlinkSync(join(outside, 'target'), join(root, 'link.sock'));
    t.throws(() => listenUnixSocket({ ...options, path: join(root, 'link.sock') }), { code: 'EEXIST' });
    t.same(readdirSync(outside), [], 'nothing came to be there');
    t.throws(() => listenUnixSocket({ ...options, path: join(root, 'none', 'x') }), { code: 'ENOENT' });
  });

  t.test('in a directory that belongs to somebody else', async t => {
    const theirs = join(root, 'theirs');
    mkdirSync(theirs);
    chmodSync(theirs, 0o700);
    chownSync(theirs, 4321, 4321);
    const fd = listenUnixSocket({ ...options, path: join(theirs, 'x.sock') });
    t.equal(lstatSync(join(theirs, 'x.sock')).uid, OWNER.user);
    closeSync(fd);
  });
});

t.test('listening sockets are found again', async t => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(client, 'connect');
  const one = listenSocket({ ...ANY_PORT, host: '127.0.0.1' });
  const two = listenSocket({ ...ANY_PORT, host: '127.0.0.1', reusePort: true });
  for (const fd of [one, two]) setCloseOnExec(fd, false);
  const own = inheritedListeningSockets();
  t.match(
    readFileSync(`/proc/self/fdinfo/${one}`, 'utf8'),
    /flags:\s+02000002/,
    'close-on-exec from then on',
  );
  t.same(
    own.filter(({ fd }) => fd === one || fd === two).map(({ reusePort }) => reusePort),
    [false, true],
  );
  t.equal(own.length, 2, 'what we opened ourselves is not inherited');
  const port = await portOf(one);
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', 'ignore', one] });
  await once(child, 'spawn');
  closeSync(one);
  t.ok(await connected(port), 'the child alone has it');
  const copies = copyListeningSockets(child.pid as number);
  t.match(copies, [{ address: { kind: 'tcp', host: '127.0.0.1', port }, reusePort: false }]);
  t.equal(copies.length, 1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.ok(await connected(port), 'and now we alone');
  t.same(copyListeningSockets(child.pid as number), [], 'a process that is gone has none');
  for (const { fd } of copies) closeSync(fd);
  t.notOk(await connected(port));
  closeSync(two);
  client.destroy();
  server.close();
});

t.test('network namespaces', async t => {
  const home = readlinkSync('/proc/thread-self/ns/net');
  const fd = newNetwork();
  t.teardown(() => closeSync(fd));
  t.equal(readlinkSync('/proc/thread-self/ns/net'), home, 'we are back');
  const inner = inNetwork(fd, () => readlinkSync('/proc/thread-self/ns/net'));
  t.not(inner, home);
  t.same(inNetwork(fd, networkInterfaces), {}, 'nothing is up there');
  inNetwork(fd, loopbackUp);
  t.same(Object.keys(inNetwork(fd, networkInterfaces)), ['lo']);
  t.throws(() => inNetwork(fd, () => listenSocket({ ...ANY_PORT, host: '10.9.8.7' })), {
    code: 'EADDRNOTAVAIL',
  });
  t.equal(readlinkSync('/proc/thread-self/ns/net'), home, 'back after an error too');
  const socket = inNetwork(fd, () => listenSocket({ ...ANY_PORT, host: '127.0.0.1', port: 80 }));
  const child = inNetwork(fd, () => spawn('readlink', ['/proc/self/ns/net'], { stdio: 'pipe' }));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  t.equal(String(said).trim(), inner, 'programs started there are there');
  closeSync(socket);
});
