// Peer gossip of cantal: one CBOR item per UDP datagram, `["Ping"|"Pong", {field: value}]`, the shape cantal 0.6 used,
// plus `version` so that a later change can be recognised. Ages replace absolute times wherever clocks of two hosts
// would meet: `report` and `roundtrip` of a friend are read against the sender's own clock in the same packet.
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';

export const GOSSIP_LIMITS = {
  /** Upstream's receive buffer; our own packets stay below one Ethernet frame (see `friendsPerPacket`). */
  packetBytes: 8192,
  depth: 6,
  items: 2048,
  friends: 32,
  addresses: 32,
  idBytes: 64,
  textLength: 255,
} as const;

const GOSSIP_VERSION = 1;

export interface GossipReport {
  /** Size of the reporter's own table, itself not counted. */
  readonly peers: number;
  readonly hasRemote: boolean;
}

export interface GossipMe {
  readonly id: string;
  /** `ip:port` texts. */
  readonly addresses: readonly string[];
  readonly host: string;
  readonly name: string;
  readonly report: GossipReport;
}

export interface GossipFriend {
  readonly id: string;
  readonly myPrimaryAddr: string | null;
  readonly addresses: readonly string[];
  readonly host: string | null;
  readonly name: string | null;
  /** [sender's clock ms at reception, report]. */
  readonly report: readonly [number, GossipReport] | null;
  /** [sender's clock ms, round trip ms]. */
  readonly roundtrip: readonly [number, number] | null;
}

interface Common {
  readonly cluster: string;
  readonly me: GossipMe;
  readonly friends: readonly GossipFriend[];
}
/** `now` is the sender's clock, unix ms. */
export interface Ping extends Common {
  readonly kind: 'Ping';
  readonly now: number;
}
/** `pingTime` echoes the ping's `now`; `peerTime` is the responder's clock. */
export interface Pong extends Common {
  readonly kind: 'Pong';
  readonly pingTime: number;
  readonly peerTime: number;
}
export type GossipPacket = Ping | Pong;

type Fields = { readonly [key: string]: CborValue };

function reportOut(report: GossipReport): CborValue {
  return { peers: report.peers, has_remote: report.hasRemote };
}

function friendOut(friend: GossipFriend): CborValue {
  return {
    id: friend.id,
    my_primary_addr: friend.myPrimaryAddr,
    addresses: friend.addresses,
    host: friend.host,
    name: friend.name,
    report: friend.report && [friend.report[0], reportOut(friend.report[1])],
    roundtrip: friend.roundtrip && [friend.roundtrip[0], friend.roundtrip[1]],
  };
}

export function encodeGossip(packet: GossipPacket): Uint8Array {
  const { me } = packet;
  const times: Fields =
    packet.kind === 'Ping' ? { now: packet.now } : { ping_time: packet.pingTime, peer_time: packet.peerTime };
  return encodeCbor([
    packet.kind,
    {
      version: GOSSIP_VERSION,
      cluster: packet.cluster,
      me: { id: me.id, addresses: me.addresses, host: me.host, name: me.name, report: reportOut(me.report) },
      ...times,
      friends: packet.friends.map(friendOut),
    },
  ]);
}

function isFields(value: CborValue | undefined): value is Fields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;
}

function text(value: CborValue | undefined): string | undefined {
  return typeof value === 'string' && value.length <= GOSSIP_LIMITS.textLength ? value : undefined;
}

function time(value: CborValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Hex text; old nodes may send raw bytes. */
function hostId(value: CborValue | undefined): string | undefined {
  if (value instanceof Uint8Array && value.length > 0 && value.length <= GOSSIP_LIMITS.idBytes) {
    return Array.from(value, byte => byte.toString(16).padStart(2, '0')).join('');
  }
  const id = text(value);
  return id !== undefined && /^[0-9a-f]{2,128}$/.test(id) ? id : undefined;
}

const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/;

/** `a.b.c.d:port` with every number in range, as gossip and add_host take it. */
export function isAddress(value: string): boolean {
  const parts = ADDRESS.exec(value)?.slice(1).map(Number);
  if (parts === undefined) return false;
  const port = parts[4] ?? 0;
  return parts.slice(0, 4).every(part => part <= 255) && port > 0 && port <= 65_535;
}

/** Addresses that cannot be parsed are skipped, as upstream does. */
function addresses(value: CborValue | undefined): string[] {
  if (!Array.isArray(value)) return [];
  const known = value.filter((item): item is string => typeof item === 'string' && isAddress(item));
  return [...new Set(known)].slice(0, GOSSIP_LIMITS.addresses);
}

function reportIn(value: CborValue | undefined): GossipReport | undefined {
  if (!isFields(value)) return undefined;
  const peers = time(value.peers);
  return peers === undefined ? undefined : { peers, hasRemote: value.has_remote === true };
}

function meIn(value: CborValue | undefined): GossipMe | undefined {
  if (!isFields(value)) return undefined;
  const id = hostId(value.id);
  const host = text(value.host);
  const name = text(value.name);
  const report = reportIn(value.report);
  if (id === undefined || host === undefined || name === undefined || report === undefined) return undefined;
  return { id, addresses: addresses(value.addresses), host, name, report };
}

function timedReport(value: CborValue | undefined): GossipFriend['report'] {
  if (!Array.isArray(value)) return null;
  const at = time(value[0]);
  const report = reportIn(value[1]);
  return at === undefined || report === undefined ? null : [at, report];
}

function timedNumber(value: CborValue | undefined): GossipFriend['roundtrip'] {
  if (!Array.isArray(value)) return null;
  const at = time(value[0]);
  const number = time(value[1]);
  return at === undefined || number === undefined ? null : [at, number];
}

function friendIn(value: CborValue): GossipFriend | undefined {
  if (!isFields(value)) return undefined;
  const id = hostId(value.id);
  if (id === undefined) return undefined;
  const primary = text(value.my_primary_addr);
  return {
    id,
    myPrimaryAddr: primary !== undefined && isAddress(primary) ? primary : null,
    addresses: addresses(value.addresses),
    host: text(value.host) ?? null,
    name: text(value.name) ?? null,
    report: timedReport(value.report),
    roundtrip: timedNumber(value.roundtrip),
  };
}

function friendsIn(value: CborValue | undefined): GossipFriend[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, GOSSIP_LIMITS.friends).flatMap(item => friendIn(item) ?? []);
}

/** undefined for anything that is not a packet of this protocol. Unknown fields are ignored. */
export function decodeGossip(bytes: Uint8Array): GossipPacket | undefined {
  if (bytes.length > GOSSIP_LIMITS.packetBytes) return undefined;
  const value = decodeCbor(bytes, { depth: GOSSIP_LIMITS.depth, items: GOSSIP_LIMITS.items });
  if (!Array.isArray(value)) return undefined;
  const [kind, fields] = value;
  if (!isFields(fields)) return undefined;
  const cluster = text(fields.cluster);
  const me = meIn(fields.me);
  if (cluster === undefined || me === undefined) return undefined;
  const common = { cluster, me, friends: friendsIn(fields.friends) };
  const now = time(fields.now);
  if (kind === 'Ping') return now === undefined ? undefined : { kind, ...common, now };
  const pingTime = time(fields.ping_time);
  const peerTime = time(fields.peer_time);
  if (kind !== 'Pong' || pingTime === undefined || peerTime === undefined) return undefined;
  return { kind, ...common, pingTime, peerTime };
}
