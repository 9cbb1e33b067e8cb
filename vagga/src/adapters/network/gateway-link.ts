// Joins the network of one command to the gateway: a link with a free number, and the ports of its children.
import { spawnSync } from 'node:child_process';
import {
  type BridgeLink,
  bridgeLinkLines,
  bridgePorts,
  FIRST_LINKS,
  gatewayLinkLines,
  gatewayPorts,
  LINKS,
  linkTable,
} from '../../core/network/gateway.ts';
import type { NetworkNode } from '../../core/network/plan.ts';
import { type Gateway, nftInside } from './gateway.ts';
import { inside, ipInside, NetworkError } from './namespaces.ts';

/** Numbers in the names of `text`'s interfaces or tables. */
function numbersIn(text: string, pattern: RegExp): Set<number> {
  return new Set([...text.matchAll(pattern)].map(found => Number(found[1])));
}

function output(namespace: string, ...words: readonly string[]): string {
  const [program = '', ...rest] = inside(namespace, ...words);
  return spawnSync(program, rest, { encoding: 'utf8' }).stdout ?? '';
}

const usedNumbers = (network: string) => numbersIn(output(network, 'ip', '-o', 'link'), /\bch(\d+)[@:]/g);

/** Ports of commands that were killed: their links have gone by themselves. */
function removeStale(network: string): void {
  const used = usedNumbers(network);
  const tables = numbersIn(output(network, 'nft', 'list', 'tables'), /vagga_ch(\d+)\b/g);
  for (const number of tables)
    if (!used.has(number)) nftInside(network, `delete table ip vagga_ch${number}\n`);
}

/** Somebody else may take the same number at the same time: then the next. */
function addLink(network: string, bridge: string): BridgeLink {
  const used = usedNumbers(network);
  const start = Math.floor(Math.random() * FIRST_LINKS);
  let problem: unknown = new NetworkError('all links of the gateway are taken');
  for (let number = start; number < LINKS; number++) {
    if (used.has(number)) continue;
    const link = { number, bridge };
    try {
      ipInside(network, gatewayLinkLines(link));
      return link;
    } catch (error) {
      problem = error;
      if (!usedNumbers(network).has(number)) break;
    }
  }
  throw problem;
}

/** What is returned takes the ports away again. */
export function joinGateway(
  { network }: Gateway,
  bridge: string,
  nodes: readonly NetworkNode[],
): { close(): void } {
  removeStale(network);
  const link = addLink(network, bridge);
  ipInside(bridge, bridgeLinkLines(link));
  nftInside(bridge, bridgePorts(link, nodes));
  nftInside(network, gatewayPorts(link, nodes));
  return { close: () => nftInside(network, `delete table ip ${linkTable(link)}\n`) };
}
