import { deepEqual, equal } from 'node:assert/strict';
import { decode, Encoder } from 'cbor-x';
import * as fc from 'fast-check';
import t from 'tap';
import { METRIC_LIMITS, parseMeta, readNumber, readState } from '../../src/wire/cantal-metrics.ts';
import { type CborValue, decodeCbor, encodeCbor, Float64 } from '../../src/wire/cbor.ts';
import {
  decodeGossip,
  encodeGossip,
  GOSSIP_LIMITS,
  type GossipPacket,
  isAddress,
} from '../../src/wire/gossip.ts';

const LIMITS = { depth: 10, items: 1000 };

const { tree } = fc.letrec<{ tree: CborValue }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).map(value => (Object.is(value, -0) ? 0 : value)),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }),
  ),
}));

/** Maps of ours have no prototype, byte strings of the other library are Buffers. */
function normal(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Array.from(value) };
  if (Array.isArray(value)) return value.map(normal);
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [key, normal(item)]) };
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && value !== null) {
    return { map: Object.entries(value).map(([key, item]) => [key, normal(item)]) };
  }
  return value;
}

t.test('CBOR: what we write we read, and so does another implementation', async () => {
  const other = new Encoder({ mapsAsObjects: false, useRecords: false });
  fc.assert(
    fc.property(tree, value => {
      const bytes = encodeCbor(value);
      deepEqual(normal(decodeCbor(bytes, LIMITS)), normal(value));
      deepEqual(normal(other.decode(bytes)), normal(value));
    }),
  );
});

t.test('CBOR: shortest integers, floats on demand', async t => {
  const hex = (value: CborValue) => Buffer.from(encodeCbor(value)).toString('hex');
  t.same([0, 23, 24, 255, 256, 65_536, 2 ** 32, -1, -25].map(hex), [
    '00',
    '17',
    '1818',
    '18ff',
    '190100',
    '1a00010000',
    '1b0000000100000000',
    '20',
    '3818',
  ]);
  t.equal(hex(new Float64(2)), 'fb4000000000000000');
  t.equal(hex({ metric: 'rss', pid: '42' }), 'a2666d6574726963637273736370696462 3432'.replace(' ', ''));
});

t.test('CBOR: nothing from outside throws or grows without bound', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      decodeCbor(bytes, LIMITS);
      decodeGossip(bytes);
    }),
    { numRuns: 2000 },
  );
  const refused = (hex: string) =>
    decodeCbor(Buffer.from(hex.replaceAll(' ', ''), 'hex'), LIMITS) === undefined;
  t.ok(refused(''), 'nothing');
  t.ok(refused('01 01'), 'two values');
  t.ok(refused('9b 7fffffffffffffff'), 'a list longer than the universe');
  t.ok(refused('5b 7fffffffffffffff'), 'bytes beyond the end');
  t.ok(refused(`${'81'.repeat(11)}01`), 'depth');
  t.ok(refused(`9903e9${'00'.repeat(1001)}`), 'items');
  t.ok(refused('9f ff'), 'indefinite length');
  t.ok(refused('c0 00'), 'tag');
  t.ok(refused('a1 01 01'), 'a key that is no text');
  t.ok(refused('61 ff'), 'text that is not UTF-8');
});

const report = { peers: 3, hasRemote: false };
const me = { id: 'ab12', addresses: ['10.0.0.1:22682'], host: 'mars', name: 'mars', report };
const ping: GossipPacket = {
  kind: 'Ping',
  cluster: 'demo',
  me,
  now: 1_500_000_000_000,
  friends: [
    {
      id: 'cd34',
      myPrimaryAddr: '10.0.0.2:22682',
      addresses: ['10.0.0.2:22682'],
      host: null,
      name: null,
      report: [1_499_999_999_000, report],
      roundtrip: [1_499_999_998_000, 2],
    },
    { id: 'ef', myPrimaryAddr: null, addresses: [], host: 'h', name: 'n', report: null, roundtrip: null },
  ],
};

t.test('gossip packets: both kinds, field names as ever, limits', async t => {
  const { now: _, ...common } = ping;
  const pong: GossipPacket = { ...common, kind: 'Pong', pingTime: 1, peerTime: 2 };
  for (const packet of [ping, pong]) t.same(decodeGossip(encodeGossip(packet)), packet);
  const [kind, fields] = decode(encodeGossip(ping)) as [string, Record<string, unknown>];
  t.equal(kind, 'Ping');
  t.match(fields, {
    cluster: 'demo',
    version: 1,
    me: { report: { has_remote: false } },
    friends: [{ my_primary_addr: String }, {}],
  });

  const many = {
    ...ping,
    friends: Array.from({ length: 40 }, () => ping.friends[0] as (typeof ping.friends)[0]),
  };
  t.equal(decodeGossip(encodeGossip(many))?.friends.length, GOSSIP_LIMITS.friends);
  const odd = { ...ping, me: { ...me, addresses: ['nowhere', '1.2.3.4:5', '1.2.3.4:99999'] } };
  t.same(decodeGossip(encodeGossip(odd))?.me.addresses, ['1.2.3.4:5'], 'what is no address is skipped');
  t.equal(decodeGossip(encodeGossip({ ...ping, me: { ...me, id: 'not hex' } })), undefined);
  t.equal(decodeGossip(encodeGossip({ ...ping, cluster: 'x'.repeat(300) })), undefined);
  t.equal(decodeGossip(new Uint8Array(GOSSIP_LIMITS.packetBytes + 1)), undefined);
  const five = {
    ...ping,
    friends: Array.from({ length: 5 }, () => ping.friends[0] as (typeof ping.friends)[0]),
  };
  t.ok(encodeGossip(five).length < 1472, 'five friends fit one Ethernet frame');
});

t.test('gossip packets: a changed byte never breaks the reader', async () => {
  const bytes = encodeGossip(ping);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const changed = bytes.slice();
      changed[at] = byte;
      const packet = decodeGossip(changed);
      equal(packet === undefined || Array.isArray(packet.friends), true);
    }),
    { numRuns: 3000 },
  );
});

t.test('addresses', async t => {
  t.same(
    ['1.2.3.4:5', '1.2.3.4', '256.1.1.1:5', '1.2.3.4:0', '1.2.3.4:65536', '[::1]:5', ''].map(isAddress),
    [true, false, false, false, false, false, false],
  );
});

const EXAMPLE = `counter 8: {"group": "mail", "metric": "sent"}
level 8 float: {"group": "mail", "metric": "queue_age", "unit": "s"}
pad 48
state 64: {"state": "mail.worker"}
level 8 signed:{"group": "mail", "metric": "queue"}
`;

t.test('metric files: the layout of the example', async t => {
  const parsed = parseMeta(EXAMPLE);
  if (!parsed.ok) throw new Error(parsed.error);
  t.same(
    parsed.meta.fields.map(field => [field.type, field.offset]),
    [
      ['counter', 0],
      ['float', 8],
      ['state', 64],
      ['signed', 128],
    ],
  );
  t.equal(parsed.meta.sizeBytes, 136);
  const bytes = Buffer.alloc(136);
  bytes.writeBigUInt64LE(2n ** 40n + 1n, 0);
  bytes.writeDoubleLE(0.5, 8);
  bytes.writeBigUInt64LE(1_500_000_000_000n, 64);
  bytes.write('busy\0left over', 72);
  bytes.writeBigInt64LE(-3n, 128);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [counter, float, state, signed] = parsed.meta.fields;
  if (counter === undefined || float === undefined || signed === undefined || state?.type !== 'state')
    throw new Error('fields');
  t.same(
    [readNumber(view, counter), readNumber(view, float), readNumber(view, signed)],
    [2 ** 40 + 1, 0.5, -3],
  );
  t.same(readState(view, state), [1_500_000_000_000, 'busy']);
  bytes.fill('x', 72, 128);
  t.equal(readState(view, state)[1].length, 56, 'a text that fills its field has no end mark');
});

t.test('metric files: each rule of the grammar', async t => {
  const error = (text: string) => {
    const parsed = parseMeta(text);
    return parsed.ok
      ? `${parsed.meta.fields.length} fields, ${parsed.meta.warnings.length} warnings`
      : parsed.error;
  };
  t.equal(error(''), '0 fields, 0 warnings');
  t.equal(error('  counter 8: {"a": "b"}  '), '1 fields, 0 warnings', 'lines are trimmed');
  t.equal(error('counter 8 x: {"a": "b"}'), '1 fields, 0 warnings', 'further words are ignored');
  t.equal(error('pad 16 anything : {'), '0 fields, 0 warnings', 'pad needs no labels');
  t.match(error('counter 8: {"a": "b"}\n\ncounter 8: {"a": "c"}'), /line 2/, 'an empty line');
  t.match(error('counter  8: {"a": "b"}'), /not a length/, 'two spaces');
  t.match(error('counter 8: nothing'), /not valid JSON/);
  t.match(error('counter 8'), /no colon/);
  t.match(error('counter 256: {"a": "b"}'), /above 255/);
  t.match(error('state 65536: {"a": "b"}'), /above 65535/);
  t.match(error('level 8: {"a": "b"}'), /needs signed/);
  t.equal(error('level 8 unsigned: {"a": "b"}'), '0 fields, 1 warnings');
  t.equal(error('counter 4: {"a": "b"}'), '0 fields, 1 warnings');
  t.equal(error('histogram 80 x: {"a": "b"}'), '0 fields, 1 warnings', 'types of the future are skipped');
  t.equal(
    error('counter 8: [1]\ncounter 8: {"a": 1}\ncounter 8: {"a": "b"}'),
    '1 fields, 2 warnings',
    'their bytes still count',
  );
  t.match(error('pad 1\n'.repeat(METRIC_LIMITS.fields + 1)), /more than/);
});
