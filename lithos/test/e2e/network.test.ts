import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { inNetwork, loopbackUp, newNetwork } from '@suite/shared/linux/netns.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { Networks } from '../../src/adapters/networks.ts';
import type { DesiredInstance } from '../../src/core/desired/types.ts';
import { Host, until } from '../support.ts';

t.setTimeout(300_000);

/** Greets every client on every descriptor it is given. One that others accept on too must not block. */
const SERVER = [
  'for my $fd (@ARGV) { my $s; open($s, "+<&=", $fd) or die "$fd: $!"; push @s, $s; vec($r, $fd, 1) = 1 }',
  'while (1) { select(my $ready = $r, undef, undef, undef); for my $s (@s) {',
  'next unless vec($ready, fileno($s), 1); accept(my $c, $s) or next;',
  'syswrite($c, "$ENV{LITHOS_NAME}\\n"); shutdown($c, 1); close($c) } }',
].join(' ');
const LOOK = [
  'PATH=/usr/sbin:$PATH',
  'ip -o address show | sed "s/^[0-9]*: //"',
  'ip route show; ip -6 route show default',
  'grep CapEff /proc/self/status',
  'echo looked',
].join('; ');

/** A host whose network is a namespace of its own, so that nothing of this machine's is touched. */
class BridgedHost {
  readonly host: Host;
  readonly network: number;

  constructor(host: Host) {
    this.host = host;
    this.network = newNetwork();
    inNetwork(this.network, loopbackUp);
  }

  ip(...args: string[]): string {
    const result = this.run('ip', ...args);
    if (result.status !== 0) throw new Error(`ip ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  run(program: string, ...args: string[]) {
    return inNetwork(this.network, () => spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 }));
  }

  bridge(name: string, ...addresses: string[]): void {
    this.ip('link', 'add', name, 'type', 'bridge');
    for (const address of addresses) this.ip('address', 'add', address, 'dev', name, 'nodad');
    this.ip('link', 'set', name, 'up');
  }

  /** What is said there; undefined when nobody answers. */
  ask(address: string, port: number): string | undefined {
    const result = this.run('bash', '-c', `exec 3<>/dev/tcp/${address}/${port} && timeout 30 cat <&3`);
    return result.status === 0 ? result.stdout.trim() : undefined;
  }

  /** Names of the interfaces, without what they are joined to. */
  links(): string[] {
    return this.ip('-o', 'link', 'show')
      .split('\n')
      .flatMap(line => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? []);
  }

  /** The child takes the network of the thread that starts it. */
  async start(prefix: readonly string[] = []): Promise<void> {
    await inNetwork(this.network, () => this.host.start(prefix));
  }
}

async function bridged(test: Pick<typeof t, 'teardown'>): Promise<BridgedHost> {
  const made = new BridgedHost(await Host.make());
  test.teardown(async () => {
    await made.host.dispose();
    closeSync(made.network);
  });
  return made;
}

function networkOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}

t.test('a bridged container', async t => {
  const b = await bridged(t);
  const h = b.host;
  b.bridge('br0', '10.77.0.1/24');
  const hook = `echo "$0 uid $(id -u) $(readlink /proc/self/ns/net) $(ls ${h.path('images')})" >>${h.path('hook')}; env >>${h.path('hook')}`;
  h.sandboxFile(
    [
      'allow-tcp-ports: [8080]',
      'bridged-network:',
      '  bridge: br0',
      '  network: 10.77.0.0/24',
      '  default-gateway: 10.77.0.1',
      `  after-setup-command: ${JSON.stringify(['/bin/sh', '-c', hook, '@{container_ip}'])}`,
    ].join('\n'),
  );
  const ports =
    'tcp-ports: {80: {fd: 3}, 8080: {fd: 4, host: 10.77.0.1, external: true, set-non-block: true}}';
  h.containerFile('web', `${LOOK}; exec perl -e '${SERVER}' 3 4`, `restart-timeout: 0\n${ports}`);
  h.processFile(
    'web: {image: app.1, config: /config/web.yaml, instances: 2, ip-addresses: [10.77.0.2, 10.77.0.3]}',
  );
  t.equal(h.check().stderr, '');
  // What an earlier container with this address has left: whatever it is, it is in the way.
  const hash = createHash('blake2b512').update('{"bridge":"br0","ip":"10.77.0.2"}').digest('hex');
  b.ip('link', 'add', `li_${hash.slice(0, 6)}_0002`, 'type', 'veth', 'peer', 'name', 'stale');
  await b.start();
  const apps = [await h.app('web.0'), await h.app('web.1')] as const;
  await until('they have looked', () => ['web.0', 'web.1'].every(name => h.output(name).includes('looked')));

  t.test('§4.7 bridged-setup: address, gateway, and nothing of the host', async t => {
    const said = h.output('web.0').join('\n');
    t.match(said, /^lo\s+inet 127\.0\.0\.1\/8/m);
    t.match(
      said,
      /^li-[0-9a-f]{6}-0002\s+inet 10\.77\.0\.2\/24/m,
      '§2.3 ip-addresses: instance 0 gets item 0',
    );
    t.match(
      h.output('web.1').join('\n'),
      /inet 10\.77\.0\.3\/24/,
      '§2.3 ip-addresses: instance 1 gets item 1',
    );
    t.match(said, /^default via 10\.77\.0\.1/m, '§2.2 bridged-network: default-gateway');
    t.notMatch(said, 'br0');
    t.notOk(b.links().includes('stale'), '§4.7 stale-veth: what was in the way is gone, with its other end');
    t.match(said, 'CapEff:\t0000000000000400', '§4.5 bridged-capability: CAP_NET_BIND_SERVICE alone');
    t.equal(new Set([...apps.map(networkOf), networkOf(h.treePid())]).size, 3, 'a network for each');
  });

  t.test('§5 inner-ports: inside for each, external on the host', async t => {
    t.equal(b.ask('10.77.0.2', 80), h.name('web.0'), 'a port below 1024, for a user who is not root');
    t.equal(b.ask('10.77.0.3', 80), h.name('web.1'));
    t.equal(b.ask('10.77.0.1', 80), undefined, 'not on the host');
    t.match(b.ask('10.77.0.1', 8080), h.name('web.'), 'external: true');
    t.equal(b.ask('10.77.0.2', 8080), undefined, 'not inside');
    const socket = (pid: number, fd: number) => readlinkSync(`/proc/${pid}/fd/${fd}`);
    t.not(socket(apps[0], 3), socket(apps[1], 3), 'not shared');
    t.equal(socket(apps[0], 4), socket(apps[1], 4), 'external ones are');
  });

  t.test('§2.2 after-setup-command: network of the container, files of the host', async t => {
    const said = readFileSync(h.path('hook'), 'utf8');
    t.match(said, `10.77.0.2 uid 0 ${networkOf(apps[0])} app.1`);
    t.match(said, `10.77.0.3 uid 0 ${networkOf(apps[1])} app.1`);
    t.notMatch(said, /^(PATH=\/root|HOME|NODE|LITHOS)/m, 'an almost empty environment');
  });

  t.test('a restart gets a new network with the same address', async t => {
    const mac = () => / lladdr (\S+)/.exec(b.ip('neigh', 'show', '10.77.0.2'))?.[1];
    const bridge = () => /link\/ether (\S+)/.exec(b.ip('-o', 'link', 'show', 'br0'))?.[1];
    const before = [mac(), bridge()];
    const { run } = await h.running('web.0');
    process.kill(apps[0], 'SIGKILL');
    await h.app('web.0', run);
    await until('it answers', () => b.ask('10.77.0.2', 80) === h.name('web.0'));
    t.match(before[0], /^02:/);
    t.equal(mac(), before[0], 'and the same hardware address: nobody has to learn a new one');
    t.equal(bridge(), before[1], 'nor that of the bridge');
  });

  t.test('SIGKILL of the supervisor, and its replacement in place', async t => {
    const { pid } = await h.running('web.1');
    await h.crash();
    t.equal(b.ask('10.77.0.3', 80), h.name('web.1'));
    await b.start();
    await h.listens();
    const before = h.status()?.reloads ?? 0;
    h.signal('SIGQUIT');
    await until('it has been replaced', () => (h.status()?.reloads ?? 0) > before);
    t.equal((await h.running('web.1')).pid, pid, 'untouched');
    const { run } = await h.running('web.1');
    process.kill(pid, 'SIGKILL');
    await h.running('web.1', run);
    await until('the next one answers', () => b.ask('10.77.0.3', 80) === h.name('web.1'));
  });

  t.test('nothing is left', async t => {
    await until('no network is left', () => readdirSync(h.path('run/networks')).length === 0);
    t.notMatch(readFileSync(`/proc/${h.treePid()}/mountinfo`, 'utf8'), h.path('run/networks'));
    t.equal(await h.stop(), 0);
    await until('the kernel has taken the interfaces away', () => b.links().join() === 'lo,br0');
    t.pass();
  });
});

t.test('§3.3 sockets-survive: one inside a container is not taken for the same port of the host', async t => {
  const b = await bridged(t);
  const h = b.host;
  b.bridge('br0', '10.80.0.1/24');
  h.sandboxFile('bridged-network: {bridge: br0, network: 10.80.0.0/24}');
  const ports = 'restart-timeout: 0\ntcp-ports: {80: {fd: 3}}';
  h.containerFile('inside', `exec perl -e '${SERVER}' 3`, ports);
  h.processFile('inside: {image: app.1, config: /config/inside.yaml, ip-addresses: [10.80.0.2]}');
  const other = `${h.sandbox}x`;
  h.sandboxFile('allow-tcp-ports: [80]', other);
  h.containerFile('outside', `exec perl -e '${SERVER}' 3`, ports);
  await b.start();
  const answers = (address: string, name: string) =>
    until(`${name} answers`, () => b.ask(address, 80) === name);
  await answers('10.80.0.2', h.name('inside.0'));
  await h.crash();
  await b.start();
  h.processFile('outside: {image: app.1, config: /config/outside.yaml}', other);
  await h.reload();
  await answers('10.80.0.1', `${other}/outside.0`);
  await answers('10.80.0.2', h.name('inside.0'));
});

t.test('IPv6, and the tree as PID 1', async t => {
  const b = await bridged(t);
  const h = b.host;
  b.bridge('br6', 'fd77::1/64');
  h.sandboxFile('bridged-network: {bridge: br6, network: "fd77::/64", default-gateway: "fd77::1"}');
  h.containerFile(
    'web',
    `${LOOK}; exec perl -e '${SERVER}' 3`,
    'tcp-ports: {80: {fd: 3, host: "fd77::2"}}\nreadiness: !Tcp {port: 80}',
  );
  h.processFile('web: {image: app.1, config: /config/web.yaml, ip-addresses: ["fd77::2"]}');
  await b.start(['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']);
  await until('it has looked', () => h.output('web.0').includes('looked'));
  t.match(h.output('web.0').join('\n'), /inet6 fd77::2\/64/);
  t.match(h.output('web.0').join('\n'), /^default via fd77::1/m);
  await until('its port was found open, from inside', () => h.instance('web.0')?.ready);
  await until('it answers', () => b.ask('fd77::2', 80) === h.name('web.0'));
  t.equal(await h.stop(), 0);
});

t.test('in a user namespace', async t => {
  const b = await bridged(t);
  const h = b.host;
  b.bridge('br0', '10.79.0.1/24');
  chmodSync(h.directory, 0o755);
  h.sandboxFile(
    [
      'bridged-network: {bridge: br0, network: 10.79.0.0/24}',
      'uid-map: [{inside: 0, outside: 100000, count: 2000}]',
      'gid-map: [{inside: 0, outside: 100000, count: 2000}]',
    ].join('\n'),
  );
  const keys = [
    'tcp-ports: {80: {fd: 3}}',
    'unix-sockets: {/data/app.sock: {fd: 4}}',
    'readiness: !Notify {}',
  ];
  const notify =
    "python3 -c \"import os, socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\"";
  h.containerFile('web', `${LOOK}; ${notify}; exec perl -e '${SERVER}' 3 4`, keys.join('\n'));
  h.processFile('web: {image: app.1, config: /config/web.yaml, ip-addresses: [10.79.0.2]}');
  await b.start();
  await until('it has looked', () => h.output('web.0').includes('looked'));
  t.match(h.output('web.0').join('\n'), /inet 10\.79\.0\.2\/24/);
  await until('it was heard on its notify socket', () => h.instance('web.0')?.ready);
  await until('it answers', () => b.ask('10.79.0.2', 80) === h.name('web.0'));
  t.equal(lstatSync(h.path('data/app.sock')).uid, 101_000, 'sockets belong to the mapped user');
});

t.test('§4.7 bridged-setup: without it the start fails with a reason, and is tried again', async t => {
  const b = await bridged(t);
  const h = b.host;
  const network = 'bridge: br1, network: 10.78.0.0/24';
  h.sandboxFile(`bridged-network: {${network}}`);
  h.containerFile('web', `exec perl -e '${SERVER}' 3`, 'tcp-ports: {80: {fd: 3}}');
  h.processFile('web: {image: app.1, config: /config/web.yaml, ip-addresses: [10.78.0.2]}');
  await b.start();
  const problem = (pattern: RegExp) =>
    until(`the problem is ${pattern}`, () => pattern.test(h.instance('web.0')?.problem ?? ''));
  await problem(/^bridge br1 does not exist on the host$/);
  b.bridge('br1', '10.78.0.1/24');
  await h.running('web.0');
  t.equal(b.ask('10.78.0.2', 80), h.name('web.0'));
  h.sandboxFile(`bridged-network: {${network}, after-setup-command: [/bin/sh, -c, "echo no >&2; exit 3"]}`);
  await h.reload();
  process.kill(await h.app('web.0'), 'SIGKILL');
  await problem(/^after-setup-command \/bin\/sh: no$/);
  h.sandboxFile('bridged-network: {bridge: lo, network: 10.78.0.0/24}');
  await h.reload();
  await problem(/^network: ip link set dev li_[0-9a-f]{6}_0002 master lo: .*not supported/);
  await until('a start that failed leaves nothing', () => readdirSync(h.path('run/networks')).length === 0);
});

t.test('without iproute2 a bridged container says what to install', async t => {
  const b = await bridged(t);
  const h = b.host;
  b.bridge('br0', '10.81.0.1/24');
  h.sandboxFile('bridged-network: {bridge: br0, network: 10.81.0.0/24}');
  h.containerFile('web', 'exec sleep 1000');
  h.processFile('web: {image: app.1, config: /config/web.yaml, ip-addresses: [10.81.0.2]}');
  const hidden = `mount --bind /dev/null ${realpathSync(findProgram('ip') as string)} && exec "$@"`;
  await b.start(['unshare', '--mount', '--fork', '--kill-child', 'sh', '-c', hidden, 'sh']);
  const problem = await until('it says what is wrong', () => h.instance('web.0')?.problem ?? undefined);
  t.equal(problem, 'ip is not installed: apt-get install -y iproute2');
  await until('and leaves nothing', () => readdirSync(h.path('run/networks')).length === 0);
});

t.test('§4.7 no-address: loopback alone', async t => {
  const directory = t.testdir({});
  symlinkSync('/proc/1/fd/0', `${directory}/left-by-a-tree-that-is-gone`);
  const log = { error: t.fail, warn: t.fail, info: t.fail, debug: t.fail } as never;
  const networks = new Networks({ directory, proc: realProc, log });
  t.same(readdirSync(directory), []);
  const network = {
    kind: 'bridged',
    bridge: 'none',
    prefixLength: 24,
    address: null,
    gateway: null,
    afterSetup: [],
  };
  const desired = { name: 'box/run.0', network } as unknown as DesiredInstance;
  const fd = (await networks.make(desired, 1)) as number;
  const path = networks.pathOf(desired, 1) as string;
  t.equal(readlinkSync(path), `/proc/${process.pid}/fd/${fd}`);
  const seen = spawnSync('nsenter', [`--net=${path}`, 'ip', '-o', 'address'], { encoding: 'utf8' }).stdout;
  t.match(seen, /^1: lo\s+inet 127\.0\.0\.1/);
  t.notMatch(seen, /^2:/m);
  networks.close('box/run.0', 1);
  t.notOk(existsSync(path));
  t.same(readdirSync(directory), []);
  t.match(findProgram('ip', ''), /\/ip$/, '§4.7 tool-paths: found without a PATH, wherever the host has it');
});
