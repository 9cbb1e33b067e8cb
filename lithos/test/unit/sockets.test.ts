import { createHash } from 'node:crypto';
import t from 'tap';
import { keyOfFound, socketKey } from '../../src/adapters/open-socket.ts';
import type { ListenSpec } from '../../src/core/desired/types.ts';
import { innerCommands, outerCommands, vethOf } from '../../src/core/network/veth.ts';
import { describeAddress, planSockets, socketsToClose } from '../../src/core/sockets/sockets.ts';

function tcp(port: number, more: Partial<Extract<ListenSpec, { kind: 'tcp' }>> = {}): ListenSpec {
  const rest = { host: '0.0.0.0', backlog: 128, reuseAddress: true, reusePort: false, nonBlocking: false };
  return { kind: 'tcp', fd: 3, port, place: 'host', ...rest, ...more };
}

function unix(path: string, mode = 0o666): ListenSpec {
  return { kind: 'unix', fd: 4, path, root: '/srv', backlog: 128, mode, nonBlocking: false };
}

const name = (spec: ListenSpec) => describeAddress(spec);

t.test('what a start opens, shares, and has for itself', async t => {
  const held = new Map<string, ListenSpec | undefined>([
    ['0.0.0.0:80', tcp(80, { backlog: 5, nonBlocking: true })],
    ['0.0.0.0:81', undefined],
    ['/srv/app', unix('/srv/app', 0o600)],
  ]);
  const wanted = [
    tcp(80),
    tcp(81),
    tcp(82),
    tcp(83, { reusePort: true }),
    tcp(84, { place: 'inside' }),
    unix('/srv/app'),
  ];
  const plan = planSockets(wanted, held, name);
  t.same(
    plan.map(({ kind }) => kind),
    ['share', 'share', 'open', 'own', 'own', 'share'],
  );
  t.same(
    plan.flatMap(action => (action.kind === 'share' ? [action.ignored] : [])),
    [['listen-backlog 128', 'set-non-block false'], [], ['mode']],
    'of one that was found again nothing is known that could differ',
  );
});

t.test('§3.3 sockets-unused: closed when nobody uses them', async t => {
  const held = ['0.0.0.0:80', '0.0.0.0:81', '/srv/app'];
  const user = { wants: true, sockets: [tcp(80)], given: undefined };
  t.same(socketsToClose(held, [user], name), ['0.0.0.0:81', '/srv/app']);
  t.same(socketsToClose(held, [{ ...user, wants: false }], name), held, 'in back-off it holds nothing');
  const running = { ...user, given: new Set(['0.0.0.0:81']) };
  t.same(
    socketsToClose(held, [running], name),
    ['/srv/app'],
    'what it was given, and what it is to get next',
  );
  const own = { ...user, sockets: [tcp(80, { reusePort: true }), tcp(81, { place: 'inside' })] };
  t.same(socketsToClose(held, [own], name), held, 'one for a start alone is no use of the shared one');
});

t.test('sockets are recognised by their address', async t => {
  t.equal(socketKey(tcp(80, { host: 'fd00:0::0002' })), socketKey(tcp(80, { host: 'FD00::2', backlog: 9 })));
  t.not(socketKey(tcp(80)), socketKey(tcp(81)));
  t.not(socketKey(tcp(80)), socketKey(tcp(80, { host: '::' })));
  const address = { kind: 'tcp', host: 'fd00::2', port: 80 } as const;
  t.equal(keyOfFound({ fd: 9, address, reusePort: false }), socketKey(tcp(80, { host: 'fd00::2' })));
  t.equal(keyOfFound({ fd: 9, address, reusePort: true }), undefined);
  const path = `/proc/self/fd/12/${socketKey(unix('/srv/app'))}`;
  t.equal(
    keyOfFound({ fd: 9, address: { kind: 'unix', path }, reusePort: false }),
    socketKey(unix('/srv/app')),
  );
  t.equal(keyOfFound({ fd: 9, address: { kind: 'unix', path: '/run/other' }, reusePort: false }), undefined);
  t.equal(describeAddress(tcp(80, { host: '::1' })), '[::1]:80');
});

t.test('§4.7 veth-names: from bridge and address, at most 15 characters', async t => {
  const digest = (text: string) => createHash('blake2b512').update(text).digest('hex');
  const where = { bridge: 'br0', address: '10.0.0.2', prefixLength: 24, gateway: '10.0.0.1' };
  const veth = vethOf(where, digest);
  // The digest begins with 546bcc7efe (computed with another implementation, Python's hashlib).
  t.same(veth, {
    outer: 'li_546bcc_0002',
    inner: 'li-546bcc-0002',
    innerMac: '02:54:6b:cc:7e:fe',
  });
  t.same(innerCommands(veth, where, 77), [
    'link add name li-546bcc-0002 address 02:54:6b:cc:7e:fe type veth peer name li_546bcc_0002 address fe:ff:ff:ff:ff:ff netns 77',
    'address add 10.0.0.2/24 dev li-546bcc-0002',
    'link set dev li-546bcc-0002 up',
    'route add default via 10.0.0.1 dev li-546bcc-0002',
  ]);
  t.same(outerCommands(veth, 'br0'), [
    'link set dev li_546bcc_0002 master br0',
    'link set dev li_546bcc_0002 up',
  ]);
  const six = { ...where, address: 'fd00::1:2', gateway: null };
  t.equal(vethOf(six, digest).outer, 'li_edb346_0002');
  t.match(innerCommands(vethOf(six, digest), six, 1)[1], / nodad$/);
  t.equal(innerCommands(vethOf(six, digest), six, 1).length, 3, 'no gateway, no route');
});
