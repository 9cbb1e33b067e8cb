// IP addresses and networks as texts of config files, without asking the operating system.
import { s } from '@suite/shared/schema/index.ts';

export interface Address {
  readonly family: 4 | 6;
  /** As one unsigned number. */
  readonly value: bigint;
}

export interface Network {
  readonly address: Address;
  readonly prefixLength: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const GROUPS = 8;
const GROUP_BITS = 16n;

function parse4(text: string): bigint | undefined {
  const parts = text.split('.');
  const isByte = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  if (parts.length !== 4 || !parts.every(isByte)) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

/** `1:2` → two groups; the last piece may be an IPv4 address and then is two. */
function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const pieces = text.split(':');
  const last = pieces.at(-1) ?? '';
  const embedded = last.includes('.') ? parse4(last) : undefined;
  if (last.includes('.') && embedded === undefined) return undefined;
  const words = embedded === undefined ? pieces : pieces.slice(0, -1);
  if (!words.every(word => /^[0-9a-fA-F]{1,4}$/.test(word))) return undefined;
  const numbers = words.map(word => Number.parseInt(word, 16));
  return embedded === undefined
    ? numbers
    : [...numbers, Number(embedded >> GROUP_BITS), Number(embedded & 0xffffn)];
}

function parse6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groups(halves[0] ?? ''), groups(halves[1] ?? '')];
  if (head === undefined || tail === undefined) return undefined;
  const missing = GROUPS - head.length - tail.length;
  const isWhole = halves.length === 1 ? missing === 0 && text !== '' : missing >= 1;
  if (!isWhole) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return all.reduce((value, group) => (value << GROUP_BITS) | BigInt(group), 0n);
}

/** `10.0.0.2` or `fd00::2`; undefined when it is neither. No zones, no leading zeros. */
export function parseAddress(text: string): Address | undefined {
  const family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? parse6(text) : parse4(text);
  return value === undefined ? undefined : { family, value };
}

/** `10.0.0.0/24`; bits behind the prefix may be set, as in the address of a bridge. */
export function parseNetwork(text: string): Network | undefined {
  const [, before = '', digits = ''] = /^([^/]*)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(before);
  if (address === undefined) return undefined;
  const prefixLength = Number(digits);
  return prefixLength <= BITS[address.family] ? { address, prefixLength } : undefined;
}

export function isInside(network: Network, address: Address): boolean {
  if (network.address.family !== address.family) return false;
  const behind = BigInt(BITS[address.family] - network.prefixLength);
  return network.address.value >> behind === address.value >> behind;
}

export const addressSchema = s.check(s.text(), text =>
  parseAddress(text) === undefined ? `${text} is no IP address, such as 10.0.0.2 or fd00::2` : undefined,
);

export const networkSchema = s.check(s.text(), text =>
  parseNetwork(text) === undefined
    ? `${text} is no network, such as 10.0.0.0/24: an address and the length of its prefix`
    : undefined,
);
