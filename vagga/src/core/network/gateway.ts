// The gateway between networks of tests and the host (§5.6 of the format), as commands.
import type { NetworkNode } from './plan.ts';

export const HOST_IP = '172.23.255.1';
const GATEWAY_IP = '172.23.255.2';
const GATEWAY_NETWORK = '172.23.255.0/30';
const CHILDREN_NETWORK = '172.23.0.0/24';
const HOST_DEVICE = 'vagga';
const GATEWAY_DEVICE = 'vagga_guest';

type Words = readonly string[];

export interface HostCommand {
  readonly words: Words;
  /** Succeeds when it has been done before. */
  readonly check?: Words;
}

export interface GatewayParts {
  /** Where the files of the namespaces are. */
  readonly directory: string;
  /** Of a process in the namespaces. */
  readonly pid: string;
  /** What sets the packet filter of the host; undefined: it is left alone. */
  readonly filter?: 'iptables' | 'nft';
  /** The only name server of the host, if it listens on loopback. */
  readonly resolver?: string;
}

type Rule = readonly [table: string, chain: string, ...match: string[]];

function iptablesRules(resolver: string | undefined): Rule[] {
  const masquerade: Rule = ['nat', 'POSTROUTING', '-s', GATEWAY_NETWORK, '-j', 'MASQUERADE'];
  if (resolver === undefined) return [masquerade];
  const to = ['-j', 'DNAT', '--to-destination', `${resolver}:53`];
  const names = (protocol: string): Rule => [
    ...(['nat', 'PREROUTING', '-i', HOST_DEVICE, '-d', HOST_IP] as const),
    ...['-p', protocol, '--dport', '53', ...to],
  ];
  const accepted: Rule = ['filter', 'INPUT', '-i', HOST_DEVICE, '-d', resolver, '-j', 'ACCEPT'];
  return [masquerade, accepted, names('udp'), names('tcp')];
}

const iptables = (action: string, [table, chain, ...match]: Rule): Words => [
  'iptables',
  '-t',
  table,
  action,
  chain,
  ...match,
];

const HOST_TABLE = ['ip', 'vagga_host'];

function nftCommands(resolver: string | undefined): HostCommand[] {
  const add = (what: string, ...words: string[]): HostCommand => ({
    words: ['nft', 'add', what, ...HOST_TABLE, ...words],
  });
  const chains = [
    add('table'),
    add('chain', 'post', '{ type nat hook postrouting priority 100 ; }'),
    add('rule', 'post', 'ip', 'saddr', GATEWAY_NETWORK, 'masquerade'),
  ];
  if (resolver === undefined) return chains;
  const names = (protocol: string) =>
    add(
      'rule',
      'pre',
      `iifname ${HOST_DEVICE} ip daddr ${HOST_IP} ${protocol} dport 53 dnat to ${resolver}:53`,
    );
  return [
    ...chains,
    add('chain', 'pre', '{ type nat hook prerouting priority -100 ; }'),
    names('udp'),
    names('tcp'),
  ];
}

function filterCommands({ filter, resolver }: GatewayParts): HostCommand[] {
  if (filter === 'nft') return nftCommands(resolver);
  if (filter === undefined) return [];
  return iptablesRules(resolver).map(rule => ({ words: iptables('-A', rule), check: iptables('-C', rule) }));
}

const NAMESPACE_FILES = [
  ['net', 'netns'],
  ['user', 'userns'],
] as const;

/** With the rights of root of the host. */
export function createCommands(parts: GatewayParts): HostCommand[] {
  const { directory, pid } = parts;
  const plain: Words[] = [
    ['sysctl', '-q', 'net.ipv4.ip_forward=1'],
    ['ip', 'link', 'add', HOST_DEVICE, 'type', 'veth', 'peer', 'name', GATEWAY_DEVICE, 'netns', pid],
    ['ip', 'addr', 'add', `${HOST_IP}/30`, 'dev', HOST_DEVICE],
    ['ip', 'link', 'set', HOST_DEVICE, 'up'],
    ['sysctl', '-q', `net.ipv4.conf.${HOST_DEVICE}.route_localnet=1`],
    ...NAMESPACE_FILES.map(([kind, file]) => [
      'mount',
      '--bind',
      `/proc/${pid}/ns/${kind}`,
      `${directory}/${file}`,
    ]),
  ];
  return [...plain.map(words => ({ words })), ...filterCommands(parts)];
}

/** Each is tried whatever the others did. */
export function destroyCommands({ directory, filter, resolver }: Omit<GatewayParts, 'pid'>): Words[] {
  const rules =
    filter === 'iptables'
      ? iptablesRules(resolver).map(rule => iptables('-D', rule))
      : filter === 'nft'
        ? [['nft', 'delete', 'table', ...HOST_TABLE]]
        : [];
  return [
    ...rules,
    ['ip', 'link', 'delete', HOST_DEVICE],
    ...NAMESPACE_FILES.map(([, file]) => ['umount', `${directory}/${file}`]),
  ];
}

/** `ip -batch` in the gateway itself. */
export const GATEWAY_LINES: readonly string[] = [
  'link set lo up',
  `addr add ${GATEWAY_IP}/30 dev ${GATEWAY_DEVICE}`,
  `link set ${GATEWAY_DEVICE} up`,
  `route add default via ${HOST_IP}`,
];

/** A table that replaces itself. `chains`: their text. */
function table(name: string, chains: readonly string[]): string {
  return [`add table ip ${name}`, `delete table ip ${name}`, `table ip ${name} {`, ...chains, '}', ''].join(
    '\n',
  );
}

const masquerading = (rule: string) =>
  `  chain post { type nat hook postrouting priority 100; ${rule} masquerade; }`;

export const GATEWAY_FILTER: string = table('vagga', [masquerading(`oifname "${GATEWAY_DEVICE}"`)]);

/** The link of one running command to the gateway. */
export interface BridgeLink {
  /** Free in the gateway, 0 … 2047. */
  readonly number: number;
  /** Of the namespace of the bridge. */
  readonly bridge: string;
}

/** Half of the numbers of 172.23.192.0/19 would do; a random start keeps those who begin at once apart. */
export const LINKS = 2048;
export const FIRST_LINKS = 1948;

const linkDevice = ({ number }: BridgeLink): string => `ch${number}`;

function linkIp({ number }: BridgeLink, side: 1 | 2): string {
  const host = number * 4 + side;
  return `172.23.${192 + (host >> 8)}.${host & 255}`;
}

export function gatewayLinkLines(link: BridgeLink): string[] {
  const device = linkDevice(link);
  return [
    `link add ${device} type veth peer name ${device}c netns ${link.bridge}`,
    `addr add ${linkIp(link, 1)}/30 dev ${device}`,
    `link set ${device} up`,
  ];
}

export function bridgeLinkLines(link: BridgeLink): string[] {
  const device = `${linkDevice(link)}c`;
  return [
    `addr add ${linkIp(link, 2)}/30 dev ${device}`,
    `link set ${device} up`,
    `route add default via ${linkIp(link, 1)}`,
  ];
}

const forwarded = (rules: readonly string[]) =>
  `  chain pre { type nat hook prerouting priority -100; ${rules.map(rule => `${rule};`).join(' ')} }`;

export const linkTable = (link: BridgeLink): string => `vagga_${linkDevice(link)}`;

/** In the gateway: ports of the host's side lead to the bridge. */
export function gatewayPorts(link: BridgeLink, nodes: readonly NetworkNode[]): string {
  const rules = nodes.flatMap(({ ports }) =>
    Object.keys(ports).map(
      port => `ip daddr ${GATEWAY_IP} tcp dport ${port} dnat to ${linkIp(link, 2)}:${port}`,
    ),
  );
  return table(linkTable(link), [forwarded(rules)]);
}

/** On the bridge: the same ports lead to the children, whose own packets leave under its address. */
export function bridgePorts(link: BridgeLink, nodes: readonly NetworkNode[]): string {
  const device = `${linkDevice(link)}c`;
  const rules = nodes.flatMap(({ ip, ports }) =>
    Object.entries(ports).map(
      ([outside, port]) => `iifname "${device}" tcp dport ${outside} dnat to ${ip}:${port}`,
    ),
  );
  const leaving = `ip saddr ${CHILDREN_NETWORK} ip daddr != ${CHILDREN_NETWORK} oifname "${device}"`;
  return table('vagga_ports', [forwarded(rules), masquerading(leaving)]);
}
