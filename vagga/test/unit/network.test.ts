import t from 'tap';
import type { ChildCommand } from '../../src/config/model.ts';
import { bridgeLines, deviceName } from '../../src/core/network/build-script.ts';
import { iptablesScript, nftScript } from '../../src/core/network/filter.ts';
import { findNode, partition } from '../../src/core/network/partition.ts';
import { planNetwork } from '../../src/core/network/plan.ts';
import { project } from './helpers.ts';

const NODES = ['a', 'b', 'c', 'd'].map((name, index) => ({
  name,
  ip: `172.23.0.${index + 1}`,
  hostname: `host-${name}`,
  ports: {},
}));
const PLAN = { nodes: NODES, bridges: ['middle'] };

/** Per node: `all`, `alone`, or the names of those it does not hear. */
function reached(kind: string, ...words: string[]): string {
  const parts = partition(PLAN, kind, words);
  if (!parts.ok) return parts.message;
  const names = (ips: readonly string[]) =>
    NODES.filter(({ ip }) => ips.includes(ip))
      .map(({ name }) => name)
      .join('');
  return parts.reach
    .map(([, reach]) => {
      if (reach.kind === 'without') return `-${names(reach.ips)}`;
      return reach.kind === 'all' ? 'all' : 'alone';
    })
    .join(' ');
}

t.test('§4.4 _network: who reaches whom', async t => {
  t.equal(reached('fullmesh'), 'all all all all');
  t.equal(reached('isolate', 'b', 'host-c'), 'all alone alone all');
  t.equal(reached('split', 'a', 'b', '--', 'c'), '-cd -cd -abd alone', 'who is not named is alone');
  t.equal(reached('split', 'a', 'b', '--', 'b', 'c', 'd'), '-cd all -a -a', 'one may be on both sides');
  t.equal(reached('split', 'a', '172.23.0.2', 'c', 'd'), 'all all all all');
  t.equal(reached('disjoint', 'a', 'b', '--', 'c', '--', 'd'), '-cd -cd -abd -abc');
  t.equal(reached('disjoint', 'a', 'b', '--', 'c', 'a', 'd'), "Duplicate node a (or it's IP)");
  t.match(reached('disjoint', 'a', 'b', '--', 'c'), /^Node d is missing\. /);
  t.equal(reached('isolate', 'x'), 'Node x does not exists');
  t.equal(reached('toString'), 'Unknown command toString');
  t.match(findNode(PLAN, 'middle'), { message: 'Node middle does not exists or has no IP' });
});

t.test('§5.6 filters: the same for nft and iptables', async t => {
  const without = { kind: 'without', ips: ['172.23.0.3'] } as const;
  t.match(nftScript(without), /^add table inet vagga\ndelete table inet vagga\n/, 'whatever was before');
  t.match(nftScript(without), /chain input \{[^}]*policy accept;[^}]*ip saddr 172\.23\.0\.3 drop/);
  t.notMatch(nftScript(without), /chain output \{[^}]*172/);
  t.match(
    nftScript({ kind: 'isolated' }),
    /chain output \{[^}]*policy drop;[^}]*ip daddr 172\.23\.0\.254 accept/,
  );
  t.match(nftScript({ kind: 'all' }), /chain forward \{[^}]*policy drop/);
  t.notMatch(nftScript({ kind: 'all' }), /172|(input|output) priority 0; policy drop/);
  t.match(
    iptablesScript(without),
    /^\*filter\n:INPUT ACCEPT .*\n:FORWARD DROP [\s\S]*-A INPUT -s 172\.23\.0\.3 -j DROP\nCOMMIT\n$/,
  );
  t.match(
    iptablesScript({ kind: 'isolated' }),
    /:INPUT DROP[\s\S]*:OUTPUT DROP[\s\S]*-A OUTPUT -d 172\.23\.0\.254 -j ACCEPT/,
  );
});

t.test('§5.6 addresses: names of interfaces, what a plan refuses', async t => {
  const short = (text: string) => `${text.length}`.padStart(12, '0');
  t.equal(deviceName('web', short), 'web');
  t.equal(deviceName('fourteen-bytes', short), 'fourteen-bytes');
  for (const name of ['fifteen-bytes-x', 'children', 'lo', 'a b', 'ü'])
    t.match(deviceName(name, short), /^eh\d{12}$/, name);
  const [first] = NODES;
  const lines = bridgeLines([{ ...first, device: 'a', namespace: '/n' } as never]);
  t.ok(lines.includes('link add a type veth peer name ag netns /n'));

  const planOf = (...networks: string[]) => {
    const children = networks.map((network, index) => `      c${index}: ${network}\n`).join('');
    const { commands } = project(`commands:\n  s: !Supervise\n    children:\n${children}`);
    const { children: all } = commands.s as { children: Record<string, ChildCommand> };
    const plan = planNetwork(Object.entries(all));
    return plan.ok ? plan.plan : plan.message;
  };
  const child = (network: string) => `!Command {container: a, run: x, network: ${network}}`;
  t.equal(planOf('!Command {container: a, run: x}'), undefined, 'nobody asks for a network');
  t.match(planOf(child('{ip: 172.23.0.1, ports: {8080: 80}}'), '!BridgeCommand {container: a, run: x}'), {
    nodes: [{ name: 'c0', hostname: 'c0', ports: { 8080: 80 } }],
    bridges: ['c1'],
  });
  t.match(planOf(child('{}')), /vagga\.yaml:\d+:\d+: the network of c0 needs an ip$/);
  t.match(planOf(child('{ip: 172.23.0.254}')), /but only 172\.23\.0\.1 to 172\.23\.0\.253/);
  t.match(planOf(child('{ip: 172.23.0.1, ports: {x: 1}}')), /has the port x/);
  const twice = child('{ip: 172.23.0.1, ports: {80: 1}}');
  t.equal(
    planOf(twice, child('{ip: 172.23.0.2, ports: {80: 2}}')),
    'two children have port 80 of the network',
  );
});
