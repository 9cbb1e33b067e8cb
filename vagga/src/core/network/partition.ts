// Who reaches whom after `vagga _network KIND …`. Every kind says it for all nodes, so that it can be repeated and follow any other.
import type { NetworkNode, NetworkPlan } from './plan.ts';

export type Reach =
  | { readonly kind: 'all' }
  /** Only the bridge. */
  | { readonly kind: 'isolated' }
  /** Everybody but these addresses. */
  | { readonly kind: 'without'; readonly ips: readonly string[] };

export type Partition =
  | { readonly ok: true; readonly reach: readonly (readonly [NetworkNode, Reach])[] }
  | { readonly ok: false; readonly message: string };

export type FoundNode =
  | { readonly ok: true; readonly node: NetworkNode }
  | { readonly ok: false; readonly message: string };

/** By the name of the child, its hostname or its address. */
export function findNode({ nodes, bridges }: NetworkPlan, word: string): FoundNode {
  const node = nodes.find(({ name, hostname, ip }) => [name, hostname, ip].includes(word));
  if (node !== undefined) return { ok: true, node };
  const noIp = bridges.includes(word) ? ' or has no IP' : '';
  return { ok: false, message: `Node ${word} does not exists${noIp}` };
}

class Wrong extends Error {}

function nodeOf(plan: NetworkPlan, word: string): NetworkNode {
  const found = findNode(plan, word);
  if (!found.ok) throw new Wrong(found.message);
  return found.node;
}

/** `A B -- C` as nodes. */
function clusters(plan: NetworkPlan, words: readonly string[]): NetworkNode[][] {
  const result: NetworkNode[][] = [[]];
  for (const word of words) {
    if (word === '--') result.push([]);
    else result.at(-1)?.push(nodeOf(plan, word));
  }
  return result.filter(({ length }) => length > 0);
}

/** Who is in no cluster is alone. */
function split({ nodes }: NetworkPlan, groups: readonly (readonly NetworkNode[])[]) {
  return nodes.map((node): [NetworkNode, Reach] => {
    const peers = groups.filter(group => group.includes(node)).flat();
    if (peers.length === 0) return [node, { kind: 'isolated' }];
    const ips = nodes.filter(other => !peers.includes(other)).map(({ ip }) => ip);
    return [node, ips.length === 0 ? { kind: 'all' } : { kind: 'without', ips }];
  });
}

function checkEachOnce({ nodes }: NetworkPlan, groups: readonly (readonly NetworkNode[])[]): void {
  const all = groups.flat();
  const twice = all.find((node, index) => all.indexOf(node) !== index);
  if (twice !== undefined) throw new Wrong(`Duplicate node ${twice.name} (or it's IP)`);
  const missing = nodes.find(node => !all.includes(node));
  if (missing !== undefined)
    throw new Wrong(
      `Node ${missing.name} is missing. You must specify all the nodes in the disjoint command`,
    );
}

type Kind = (plan: NetworkPlan, words: readonly string[]) => readonly (readonly [NetworkNode, Reach])[];

const KINDS: Readonly<Record<string, Kind>> = {
  fullmesh: ({ nodes }) => nodes.map(node => [node, { kind: 'all' }]),
  isolate: (plan, words) => {
    const alone = words.map(word => nodeOf(plan, word));
    return plan.nodes.map(node => [node, { kind: alone.includes(node) ? 'isolated' : 'all' }]);
  },
  split: (plan, words) => split(plan, clusters(plan, words)),
  disjoint: (plan, words) => {
    const groups = clusters(plan, words);
    checkEachOnce(plan, groups);
    return split(plan, groups);
  },
};

export function partition(plan: NetworkPlan, kind: string, words: readonly string[]): Partition {
  const make = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (make === undefined) return { ok: false, message: `Unknown command ${kind}` };
  try {
    return { ok: true, reach: make(plan, words) };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, message: error.message };
    throw error;
  }
}
