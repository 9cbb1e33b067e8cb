// The pair of interfaces that joins a container to a bridge: its names, and the commands of iproute2 that make it.
import { parseAddress } from '../../config/addresses.ts';

export interface BridgeAddress {
  readonly bridge: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string | null;
}

export interface Veth {
  /** On the host; at most 15 characters, as the kernel wants it. */
  readonly outer: string;
  readonly inner: string;
  readonly innerMac: string;
}

const NAME_DIGITS = 6;
const SUFFIX_DIGITS = 4;
const MAC_BYTES = 6;
/** Locally administered, unicast. */
const INNER_MAC = '02';
/**
 * A bridge without an address of its own takes the lowest of its ports, and its neighbours would have to learn a new one
 * whenever a container comes or goes: so all our ends have the same, and the highest there is (as Xen's have).
 */
const OUTER_MAC = 'fe:ff:ff:ff:ff:ff';

function macOf(digest: string): string {
  const rest = Array.from({ length: MAC_BYTES - 1 }, (_, index) => digest.slice(index * 2, index * 2 + 2));
  return [INNER_MAC, ...rest].join(':');
}

/**
 * Names depend on bridge and address alone, so that whoever takes the address finds what the last one left. So does the
 * hardware address inside: neighbours need not learn a new one at each restart. `digest`: BLAKE2b-512 as hex digits.
 */
export function vethOf({ bridge, address }: BridgeAddress, digest: (text: string) => string): Veth {
  const hash = digest(JSON.stringify({ bridge, ip: address }));
  const last = (parseAddress(address)?.value ?? 0n) & 0xffffn;
  const outer = `li_${hash.slice(0, NAME_DIGITS)}_${last.toString(16).padStart(SUFFIX_DIGITS, '0')}`;
  return {
    outer,
    inner: outer.replaceAll('_', '-'),
    innerMac: macOf(hash),
  };
}

/** Inside the new network. `hostPid`: a process in the host's, into which the outer end goes. */
export function innerCommands(veth: Veth, where: BridgeAddress, hostPid: number): string[] {
  const { outer, inner, innerMac } = veth;
  const peer = `peer name ${outer} address ${OUTER_MAC} netns ${hostPid}`;
  // A duplicate is not looked for: until then an IPv6 address could not be listened on.
  const flags = where.address.includes(':') ? ' nodad' : '';
  return [
    `link add name ${inner} address ${innerMac} type veth ${peer}`,
    `address add ${where.address}/${where.prefixLength} dev ${inner}${flags}`,
    `link set dev ${inner} up`,
    ...(where.gateway === null ? [] : [`route add default via ${where.gateway} dev ${inner}`]),
  ];
}

/** On the host, once the pair is there. */
export function outerCommands({ outer }: Veth, bridge: string): string[] {
  return [`link set dev ${outer} master ${bridge}`, `link set dev ${outer} up`];
}

export function removeCommands({ outer }: Veth): string[] {
  return [`link delete dev ${outer}`];
}
