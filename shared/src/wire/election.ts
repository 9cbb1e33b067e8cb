// Packets of verwalter's leader election: one CBOR map per UDP datagram (field table: docs of verwalter, "Election").
// Everything is bounded before and after decoding, because the sender of a datagram is nobody we can trust.
import { decodeCbor, encodeCbor } from './cbor.ts';

/** One datagram; larger ones are dropped unread, so a packet never fragments on any link with an IPv4 minimum MTU (576). */
export const ELECTION_PACKET_BYTES_MAX = 512;
/** Machine ids are 16 bytes; ids given by hand may be longer, and 64 bytes still leave room for three of them in a packet. */
const ID_BYTES_MAX = 64;
/** Above this an epoch can only come from a broken sender: 2^48 elections at two per second take 4 million years. */
export const EPOCH_MAX = 2 ** 48;

/** What a node says about a schedule instead of sending it. `timestamp` is ms since epoch, `hash` 40 hex digits, `origin` the maker's id. */
export interface ScheduleStamp {
  readonly timestamp: number;
  readonly hash: string;
  readonly origin: string;
}

interface Common {
  /** Sender: lower-case hex machine id. */
  readonly id: string;
  readonly epoch: number;
  readonly schedule: ScheduleStamp | null;
}
/** Leader → everybody. `heard`: the leader got a packet from the receiver lately (false tells the receiver its leader is deaf to it). */
export type PingPacket = Common & { readonly type: 'Ping'; readonly heard: boolean };
/**
 * Follower → its leader. `errors` counts error flags and failed roles of the sender; `fork` is what it had under another leader until
 * lately, so that a leader can take over the decisions of a part of the cluster that was cut off.
 */
export type PongPacket = Common & {
  readonly type: 'Pong';
  readonly errors: number;
  readonly fork: ScheduleStamp | null;
};
/** Candidate → everybody (target = id), or voter → candidate. */
export type VotePacket = Common & { readonly type: 'Vote'; readonly target: string };
export type ElectionPacket = PingPacket | PongPacket | VotePacket;

/** A packet holds one map, a stamp inside it one more. */
const CBOR_LIMITS = { depth: 3, items: 32 } as const;

/** Packet → datagram. Throws when an id is not hex or the result is too long: both are our own mistakes. */
export function encodeElectionPacket(packet: ElectionPacket): Uint8Array {
  const { type, epoch } = packet;
  const common = { type, id: fromHex(packet.id), epoch, schedule: stampToWire(packet.schedule) };
  const bytes = encodeCbor({ ...common, ...ownFields(packet) });
  if (bytes.length > ELECTION_PACKET_BYTES_MAX) throw new Error(`election packet of ${bytes.length} bytes`);
  return bytes;
}

function ownFields(packet: ElectionPacket) {
  switch (packet.type) {
    case 'Ping':
      return { heard: packet.heard };
    case 'Pong':
      return { errors: packet.errors, fork: stampToWire(packet.fork) };
    case 'Vote':
      return { target: fromHex(packet.target) };
  }
}

function stampToWire(stamp: ScheduleStamp | null) {
  return stamp && { timestamp: stamp.timestamp, hash: stamp.hash, origin: fromHex(stamp.origin) };
}

/** Datagram → packet, or a sentence saying why it is refused. Unknown keys are ignored; a missing schedule means none. */
export function decodeElectionPacket(bytes: Uint8Array): ElectionPacket | { readonly error: string } {
  if (bytes.length > ELECTION_PACKET_BYTES_MAX) return { error: `packet of ${bytes.length} bytes` };
  const raw = decodeCbor(bytes, CBOR_LIMITS);
  if (raw === undefined) return { error: 'not CBOR' };
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { error: 'not a map' };
  return readPacket(raw as Record<string, unknown>);
}

function readPacket(raw: Record<string, unknown>): ElectionPacket | { error: string } {
  const id = toHex(raw.id);
  const epoch = toCount(raw.epoch, EPOCH_MAX);
  const schedule = readStamp(raw.schedule);
  if (id === undefined) return { error: 'bad id' };
  if (epoch === undefined) return { error: 'bad epoch' };
  if (schedule === undefined) return { error: 'bad schedule stamp' };
  if (raw.type === 'Ping') return { type: 'Ping', id, epoch, schedule, heard: raw.heard !== false };
  if (raw.type === 'Pong') {
    const errors = toCount(raw.errors, 1e9);
    const fork = readStamp(raw.fork);
    if (errors === undefined) return { error: 'bad error count' };
    return fork === undefined
      ? { error: 'bad fork stamp' }
      : { type: 'Pong', id, epoch, schedule, errors, fork };
  }
  if (raw.type === 'Vote') {
    const target = toHex(raw.target);
    return target === undefined ? { error: 'bad target' } : { type: 'Vote', id, epoch, schedule, target };
  }
  return { error: 'unknown type' };
}

/** null = no schedule, undefined = malformed. */
function readStamp(raw: unknown): ScheduleStamp | null | undefined {
  if (raw === null || raw === undefined) return null;
  if (typeof raw !== 'object') return undefined;
  const { timestamp, hash, origin } = raw as Record<string, unknown>;
  const time = toCount(timestamp, Number.MAX_SAFE_INTEGER);
  const from = toHex(origin);
  if (time === undefined || from === undefined) return undefined;
  if (typeof hash !== 'string' || !/^[0-9a-f]{40}$/.test(hash)) return undefined;
  return { timestamp: time, hash, origin: from };
}

function toCount(value: unknown, max: number): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= max
    ? number
    : undefined;
}

function toHex(value: unknown): string | undefined {
  if (!(value instanceof Uint8Array) || value.length === 0 || value.length > ID_BYTES_MAX) return undefined;
  let text = '';
  for (const byte of value) text += byte.toString(16).padStart(2, '0');
  return text;
}

function fromHex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/.test(text) || text.length > ID_BYTES_MAX * 2)
    throw new Error(`not a hex id: ${text}`);
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}
