// The network of tests (§5.6 of the format): which child of a supervise command has which address.
import type { ChildCommand } from '../../config/model.ts';

/** Of the bridge, and the route to the outside for all. */
export const BRIDGE_IP = '172.23.0.254';
export const NETWORK_BITS = 24;

export interface NetworkNode {
  /** Of the child. */
  readonly name: string;
  readonly ip: string;
  readonly hostname: string;
  /** Port outside → port of the child. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface NetworkPlan {
  readonly nodes: readonly NetworkNode[];
  /** Children in the middle, without an address of their own. */
  readonly bridges: readonly string[];
}

export type PlannedNetwork =
  /** Without a plan nobody needs a network. */
  { readonly ok: true; readonly plan?: NetworkPlan } | { readonly ok: false; readonly message: string };

const ADDRESS = /^172\.23\.0\.(\d{1,3})$/;

function ipProblem(ip: string | undefined): string | undefined {
  if (ip === undefined) return 'needs an ip';
  const host = Number(ADDRESS.exec(ip)?.[1] ?? 0);
  return host >= 1 && host <= 253
    ? undefined
    : `has the ip ${ip}, but only 172.23.0.1 to 172.23.0.253 are there`;
}

function portProblem(ports: Readonly<Record<string, number>>): string | undefined {
  const wrong = Object.keys(ports).find(
    port => !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535,
  );
  return wrong && `has the port ${wrong}, but ports are 1 to 65535`;
}

/** A name or address that two of them have. */
function double(nodes: readonly NetworkNode[]): string | undefined {
  const keys = nodes.flatMap(({ ip, ports }) => [ip, ...Object.keys(ports).map(port => `port ${port}`)]);
  return keys.find((key, index) => keys.indexOf(key) !== index);
}

function nodeOf(name: string, child: ChildCommand): NetworkNode | string {
  const { ip, hostname = name, ports = {} } = child.network ?? {};
  const problem = ipProblem(ip) ?? portProblem(ports);
  if (problem !== undefined)
    return `${child.file}:${child.line}:${child.column}: the network of ${name} ${problem}`;
  return { name, ip: ip as string, hostname, ports };
}

type Named = readonly [string, ChildCommand];

/** Who is cut off from everything cannot be reached by the others either. */
function conflict([name, child]: Named): PlannedNetwork {
  const at = `${child.file}:${child.line}:${child.column}`;
  return { ok: false, message: `${at}: ${name} has a network, which isolate-network would take away` };
}

/** `children`: those that run; `isolated`: with a loopback network only. */
export function planNetwork(children: readonly Named[], isolated = false): PlannedNetwork {
  const refused = isolated && children.find(([, { network }]) => network !== undefined);
  if (refused) return conflict(refused);
  const bridges = children.filter(([, { bridge }]) => bridge).map(([name]) => name);
  const made = children
    .filter(([, { network }]) => network !== undefined)
    .map(([name, child]) => nodeOf(name, child));
  const wrong = made.find(node => typeof node === 'string');
  if (wrong !== undefined) return { ok: false, message: wrong as string };
  const nodes = made as NetworkNode[];
  const twice = double(nodes);
  if (twice !== undefined) return { ok: false, message: `two children have ${twice} of the network` };
  return nodes.length + bridges.length === 0 ? { ok: true } : { ok: true, plan: { nodes, bridges } };
}
