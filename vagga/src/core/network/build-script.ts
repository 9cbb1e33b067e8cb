// Lines for `ip -batch` that make the network of tests out of empty namespaces.
import { BRIDGE_IP, NETWORK_BITS, type NetworkNode } from './plan.ts';

export interface WiredNode extends NetworkNode {
  /** Name of the interface on the bridge; inside it is this and `g`. */
  readonly device: string;
  /** Path of its namespace. */
  readonly namespace: string;
}

const BRIDGE = 'children';

/** An interface has a name of at most 15 bytes, and `lo` and the bridge are there already. */
export function deviceName(name: string, shortHash: (text: string) => string): string {
  const isUsable = /^[\w.-]{1,14}$/.test(name) && !['lo', BRIDGE, '.', '..'].includes(name);
  return isUsable ? name : `eh${shortHash(name)}`;
}

export function bridgeLines(nodes: readonly WiredNode[]): string[] {
  return [
    'link set lo up',
    `link add ${BRIDGE} type bridge`,
    `addr add ${BRIDGE_IP}/${NETWORK_BITS} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
    ...nodes.flatMap(({ device, namespace }) => [
      `link add ${device} type veth peer name ${device}g netns ${namespace}`,
      `link set ${device} master ${BRIDGE} up`,
    ]),
  ];
}

export function nodeLines({ device, ip }: WiredNode): string[] {
  return [
    'link set lo up',
    `addr add ${ip}/${NETWORK_BITS} dev ${device}g`,
    `link set ${device}g up`,
    `route add default via ${BRIDGE_IP}`,
  ];
}
