import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { Host, isAlive, processesOf, procFile, until } from '../support.ts';

t.setTimeout(300_000);

const O_NONBLOCK = 0o4000;

// What an activated program does, in the one interpreter every Debian has: accepts on the descriptors named in @ARGV in
// turn and tells each client who it is.
const SERVER = [
  'for my $fd (@ARGV) { my $s; open($s, "+<&=", $fd) or die "$fd: $!"; push @s, $s; vec($r, $fd, 1) = 1 }',
  '$| = 1; print "ready\\n";',
  'while (1) { select(my $ready = $r, undef, undef, undef);',
  'for my $s (@s) { next unless vec($ready, fileno($s), 1); accept(my $c, $s) or next;',
  'syswrite($c, "$ENV{LITHOS_NAME} $$\\n"); shutdown($c, 1); close($c) } }',
].join(' ');

function server(...fds: number[]): string {
  return `exec /usr/bin/perl -e '${SERVER}' ${fds.join(' ')}`;
}

async function host(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const made = await Host.make();
  made.sandboxFile('allow-tcp-ports: [1-65535]');
  test.teardown(() => made.dispose());
  return made;
}

const isServer = (pid: number) => procFile(pid, 'comm') === 'perl\n';

function entry(name: string, more = ''): string {
  return `${name}: {image: app.1, config: /config/${name}.yaml${more}}\n`;
}

/** What the server says; an error code when there is none. */
async function ask(target: string | number, address = '127.0.0.1'): Promise<string> {
  const client = typeof target === 'string' ? connect(target) : connect(target, address);
  let said = '';
  client.on('data', chunk => {
    said += chunk;
  });
  return await new Promise(resolve => {
    client.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    client.on('end', () => resolve(said.trim()));
  });
}

/** Waits until clients are refused. */
async function refused(what: string, port: number): Promise<void> {
  let last = '';
  await until(what, () => {
    void ask(port).then(answer => {
      last = answer;
    });
    return last === 'ECONNREFUSED';
  });
}

function inodeOf(pid: number, fd: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** Which of these sockets a process has open. */
function has(pid: number, inodes: readonly (string | undefined)[]): (string | undefined)[] {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(fd => inodeOf(pid, fd)));
  return inodes.filter(inode => open.has(inode));
}

function isNonBlocking(pid: number, fd: number): boolean {
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return (Number.parseInt(flags, 8) & O_NONBLOCK) !== 0;
}

/** Port of a TCP socket of a process, as the kernel lists it. */
function localPort(pid: number, fd: number): number | undefined {
  const inode = /\d+/.exec(inodeOf(pid, fd) ?? '')?.[0];
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  const found = lines.map(text => text.trim().split(/\s+/)).find(fields => fields[9] === inode);
  return found === undefined ? undefined : Number.parseInt(found[1]?.split(':')[1] ?? '', 16);
}

async function reexec(h: Host): Promise<void> {
  await h.listens();
  const before = h.status()?.reloads ?? 0;
  h.signal('SIGQUIT');
  await until('the next program has read its configuration', () => (h.status()?.reloads ?? 0) > before);
}

t.test('sockets are there before the program, and stay while it restarts', async t => {
  const h = await host(t);
  const [port, port6] = [await freePort(), await freePort('::1')];
  mkdirSync(h.path('data/run'));
  const path = h.path('data/run/app.sock');
  const keys = [
    'restart-timeout: 0',
    `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1}, ${port6}: {fd: 4, host: "::1", set-non-block: true}}`,
    'unix-sockets: {/data/run/app.sock: {fd: 6, mode: 432}}',
  ];
  h.containerFile('web', server(3, 4, 6), keys.join('\n'));
  h.processFile(entry('web'));
  await h.start();
  const first = await h.app('web.0');
  const name = h.name('web.0');
  t.match(await ask(port), name, '§2.4 tcp-ports: the descriptor is a listening socket');
  t.match(await ask(port6, '::1'), name, 'an IPv6 address');
  t.match(await ask(path), name, 'a unix socket');
  const stats = lstatSync(path);
  t.same([stats.uid, stats.mode & 0o777], [1000, 0o660], "of the program's user, with the mode asked for");
  t.equal(inodeOf(first, 5), '/dev/null', '§5 fd-number: as configured, and a gap is filled');
  t.equal(readlinkSync(`/proc/${first}/ns/net`), readlinkSync('/proc/self/ns/net'), '§4.7 host-network');
  t.same(
    [3, 4, 6].map(fd => isNonBlocking(first, fd)),
    [false, true, false],
    '§2.4 tcp-ports: set-non-block',
  );
  const { run } = await h.running('web.0');
  process.kill(first, 'SIGSTOP');
  const waiting = [ask(port), ask(port6, '::1'), ask(path)];
  process.kill(first, 'SIGKILL');
  const second = await h.app('web.0', run);
  for (const said of await Promise.all(waiting))
    t.match(said, name, 'a client that waited is served by the next one');
  t.not(second, first);
  t.equal(await h.stop(), 0);
  t.equal(await ask(port), 'ECONNREFUSED', 'and they are closed at the end');
  t.notOk(existsSync(path), 'and the file is gone');
});

t.test('§5 shared-socket: one for all who name it', async t => {
  const h = await host(t);
  const port = await freePort();
  const other = `${h.sandbox}b`;
  const keys = (more: string) => `restart-timeout: 0\ntcp-ports: {${port}: {fd: 3, host: 127.0.0.1${more}}}`;
  h.containerFile('a', server(3), keys(''));
  h.containerFile('b', server(3), keys(', listen-backlog: 7, set-non-block: true'));
  h.sandboxFile('allow-tcp-ports: [1-65535]', other);
  h.processFile(entry('a', ', instances: 2'));
  await h.start();
  const [one, two] = [await h.app('a.0'), await h.app('a.1')];
  h.processFile(entry('b'), other);
  await h.reload();
  const three = await until('the other sandbox runs', () => processesOf(`${other}/b.0`).find(isServer));
  t.equal(inodeOf(two, 3), inodeOf(one, 3), 'instances share a socket');
  t.equal(inodeOf(three, 3), inodeOf(one, 3), 'sandboxes too');
  t.notOk(isNonBlocking(one, 3), 'whoever came first decides on parameters');
  t.match(h.log(), /listen-backlog 7, set-non-block true without effect/, 'and the other one is told');
  h.processFile('');
  await h.reload();
  await until('its instances have ended', () => !h.instance('a.0') && !h.instance('a.1'));
  t.match(await ask(port), other, '§3.3 sockets-unused: open as long as one of them is left');
  h.processFile('', other);
  await h.reload();
  await refused('the port is closed when the last one is gone', port);
});

t.test('§5 reuse-port: every start has a socket of its own', async t => {
  const h = await host(t);
  const port = await freePort();
  const ports = `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1, reuse-port: true}}`;
  h.containerFile('web', server(3), `restart-timeout: 0\n${ports}`);
  h.processFile(entry('web', ', instances: 2'));
  await h.start();
  const [one, two] = [await h.app('web.0'), await h.app('web.1')];
  t.not(inodeOf(one, 3), inodeOf(two, 3));
  const seen = new Set<string>();
  await until('both have answered', () => {
    void ask(port).then(said => seen.add(said.split(' ')[0] as string));
    return seen.has(h.name('web.0')) && seen.has(h.name('web.1'));
  });
  const inodes = [inodeOf(one, 3), inodeOf(two, 3)];
  t.same(has(h.treePid(), inodes), [], 'the tree keeps none, or clients would wait in it for nobody');
  await reexec(h);
  t.same(has(h.treePid(), inodes), [], 'nor takes one from a monitor');
});

t.test('§5 open-failure: said, and tried again', async t => {
  const h = await host(t);
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const path = h.path('data/app.sock');
  writeFileSync(path, 'a file');
  h.containerFile('tcp', server(3), `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1}}`);
  h.containerFile('away', server(3), 'tcp-ports: {8080: {fd: 3, host: 192.0.2.1}}');
  h.containerFile('unix', server(3), 'unix-sockets: {/data/app.sock: {fd: 3}}');
  h.processFile(entry('tcp') + entry('away') + entry('unix'));
  await h.start();
  const problem = (name: string) => until(`${name} has failed`, () => h.instance(name)?.problem ?? undefined);
  t.match(
    await problem('tcp.0'),
    `cannot listen on 127.0.0.1:${port}: the address is in use (node, pid ${process.pid})`,
    'the error names the address and who has it',
  );
  t.match(await problem('away.0'), 'cannot listen on 192.0.2.1:8080: the host has no such address');
  t.match(await problem('unix.0'), `${path} exists and is no socket`);
  t.equal(readFileSync(path, 'utf8'), 'a file');
  h.containerFile('both', server(3), `tcp-ports: {${port}: {fd: 3, host: "::"}}`);
  holder.close();
  rmSync(path);
  const [one, two] = [await h.app('tcp.0'), await h.app('unix.0')];
  t.match(await ask(port), h.name('tcp.0'));
  t.match(await ask(path), h.name('unix.0'));
  t.same(has(one, [inodeOf(two, 3)]), [], '§5 no-leak: nobody gets what others listen on');
  t.same(has(two, [inodeOf(one, 3)]), []);
  h.processFile(entry('tcp') + entry('both'));
  await h.reload();
  t.match(
    await problem('both.0'),
    new RegExp(
      `^cannot listen on \\[::\\]:${port}: the address is in use \\(perl, pid \\d+, of ${h.name('tcp.0')}\\)`,
    ),
    'another of ours is called by its name',
  );
});

t.test('§2.5 activation: what sd_listen_fds looks at', async t => {
  const h = await host(t);
  const [a, b] = [await freePort(), await freePort()];
  const types = 'variables: {zeta: !TcpPort {activation: systemd}, alpha: !TcpPort {activation: systemd}}';
  h.containerFile('web', `echo $LISTEN_FDS $LISTEN_FDNAMES $LISTEN_PID is $$; ${server(3, 4)}`, types);
  h.processFile(entry('web', `, variables: {zeta: "${a}", alpha: "${b}"}`));
  await h.start();
  await until('it has told', () => h.output('web.0').includes('ready'));
  t.equal(h.output('web.0')[0], '2 alpha:zeta 2 is 2');
  const pid = await h.app('web.0');
  t.equal(localPort(pid, 3), b, 'fd 3 is the first by name');
  t.equal(localPort(pid, 4), a);
  t.match(await ask(a), h.name('web.0'));
});

t.test('sockets survive the supervisor', async t => {
  const h = await host(t);
  const port = await freePort();
  const path = h.path('data/app.sock');
  chmodSync(h.path('data'), 0o777);
  const keys = [
    'restart-timeout: 0',
    `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1}}`,
    'unix-sockets: {/data/app.sock: {fd: 4}}',
  ];
  h.containerFile('web', server(3, 4), keys.join('\n'));
  h.processFile(entry('web'));
  await h.start();
  const app = await h.app('web.0');
  const inodes = [inodeOf(app, 3), inodeOf(app, 4)];
  /** Kills the program while clients wait; the same sockets serve them through the next one. */
  const replaced = async (before: number) => {
    const { run } = await h.running('web.0');
    process.kill(before, 'SIGSTOP');
    const waiting = [ask(port), ask(path)];
    process.kill(before, 'SIGKILL');
    const next = await h.app('web.0', run);
    for (const said of await Promise.all(waiting)) t.match(said, h.name('web.0'), 'served');
    t.same([inodeOf(next, 3), inodeOf(next, 4)], inodes, 'the very same sockets');
    return next;
  };
  t.same(has(h.treePid(), inodes), inodes);
  await reexec(h);
  t.same(has(h.treePid(), inodes), inodes, '§3.3 sockets-survive: over a re-exec');
  const second = await replaced(app);
  await h.crash();
  t.match(await ask(port), h.name('web.0'), 'no supervisor: the program serves on');
  await h.start();
  t.same(has(h.treePid(), inodes), inodes, 'a new supervisor takes them back from the monitor');
  const third = await replaced(second);
  const { run } = await h.running('web.0');
  await h.crash();
  const monitor = Number(readFileSync(h.path(`run/instances/${h.name('web.0')}/${run}/conmon.pid`), 'utf8'));
  process.kill(monitor, 'SIGKILL');
  await until('the monitor is gone', () => !isAlive(monitor));
  await h.start();
  t.same(has(h.treePid(), inodes), inodes, 'without a monitor from the program');
  await replaced(third);
});

t.test('§3.3 sockets-unused: kept over the plain interval, closed in back-off', async t => {
  const h = await host(t);
  const port = await freePort();
  const script = `test -e /data/good || exit 3; ${server(3)}`;
  const ports = `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1}}`;
  h.containerFile('web', script, `restart-timeout: 1\n${ports}`, {
    volumes: '  /data: !Persistent {path: /data}',
  });
  h.processFile(entry('web'));
  await h.start();
  await until('it waits for the interval', () => h.instance('web.0')?.reason === 'interval');
  const patient = ask(port);
  await until('it is in back-off', () => h.instance('web.0')?.reason === 'back-off');
  // Its connection was in the socket that was closed.
  t.match(await patient, /^(ECONNRESET)?$/, 'a client that came in the interval was not refused');
  await refused('clients of one in back-off are refused', port);
  writeFileSync(h.path('data/good'), '');
  await h.app('web.0');
  t.match(await ask(port), h.name('web.0'), 'the next start opens it again');
});

t.test('§3.3 sockets-survive: only sockets that were handed out, none a program opened itself', async t => {
  const h = await host(t);
  const port = await freePort();
  const own = `use IO::Socket::INET; $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:${port}", Listen => 5, ReuseAddr => 1) or die; $| = 1; print "ready\\n"; sleep 1000`;
  h.containerFile('web', `exec /usr/bin/perl -e '${own}'`);
  h.processFile(entry('web'));
  await h.start();
  await until('it listens', () => h.output('web.0').includes('ready'));
  const app = await h.app('web.0');
  const found = readdirSync(`/proc/${app}/fd`).map(fd => inodeOf(app, fd));
  const inodes = found.filter(inode => inode?.startsWith('socket:'));
  t.equal(inodes.length, 1);
  await h.crash();
  await h.start();
  t.same(has(h.treePid(), inodes), [], 'its monitor is asked, which has none');
  t.equal((await h.app('web.0')) === app, true);
});

t.test('a program that is restarted alone gets its sockets again', async t => {
  const h = await host(t);
  const port = await freePort();
  const ports = `tcp-ports: {${port}: {fd: 3, host: 127.0.0.1}}`;
  h.containerFile('web', server(3), `restart-timeout: 0\nrestart-process-only: true\n${ports}`);
  h.processFile(entry('web'));
  await h.start();
  const { run } = await h.running('web.0');
  const said = await ask(port);
  const first = await until('it runs', () => processesOf(h.name('web.0')).find(isServer));
  const inode = inodeOf(first, 3);
  process.kill(first, 'SIGSTOP');
  const waiting = ask(port);
  process.kill(first, 'SIGKILL');
  t.match(await waiting, h.name('web.0'), 'a client that waited is served by the next one');
  t.not(await waiting, said);
  await h.running('web.0', run);
  const second = await until('the next one runs', () => processesOf(h.name('web.0')).find(isServer));
  t.equal(inodeOf(second, 3), inode);
  await h.crash();
  await h.start();
  t.same(has(h.treePid(), [inode]), [inode], 'a new supervisor takes it back');
});
