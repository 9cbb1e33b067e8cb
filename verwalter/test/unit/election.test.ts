import { encodeCbor } from '@suite/shared/wire/cbor.ts';
import {
  decodeElectionPacket,
  ELECTION_PACKET_BYTES_MAX,
  type ElectionPacket,
  EPOCH_MAX,
  encodeElectionPacket,
} from '@suite/shared/wire/election.ts';
import fc from 'fast-check';
import t from 'tap';
import { ELECTION } from '../../src/config/defaults.ts';
import { completePacket } from '../../src/core/election/packet.ts';
import {
  type ElectionSettings,
  type ElectionState,
  initialState,
  minimumVotes,
  type PeerSight,
  type View,
} from '../../src/core/election/state.ts';
import { step } from '../../src/core/election/step.ts';
import { type PeerReport, PeerTable } from '../../src/core/peers/table.ts';

const SELF = '22'.repeat(16);
const LOW = '11'.repeat(16);
const HIGH = '33'.repeat(16);
const NEVER = Number.NEGATIVE_INFINITY;

/** The middle of every range, so that deadlines can be written down. */
const settings: ElectionSettings = {
  self: SELF,
  times: ELECTION,
  allowMinority: false,
  forceLeader: false,
  random: (minMs, maxMs) => (minMs + maxMs) / 2,
};
const VOTER_WAIT_MS = 2_400;
const ELECTING_MS = 750;
const START_MS = 3_200 + 800;

function sights(...peers: (Partial<PeerSight> & { id: string })[]): Map<string, PeerSight> {
  return new Map(peers.map(peer => [peer.id, { responsive: true, heardMs: NEVER, ...peer }]));
}

const two = sights({ id: LOW }, { id: HIGH });
const at = (nowMs: number, peers: View['peers'] = two): View => ({ nowMs, peers });
const timer = { type: 'timer' } as const;

function packet(type: 'Ping' | 'Pong' | 'Vote', id: string, epoch: number, target = id) {
  const schedule = null;
  const said: ElectionPacket =
    type === 'Ping'
      ? { type, id, epoch, schedule, heard: true }
      : type === 'Pong'
        ? { type, id, epoch, schedule, errors: 0, fork: null }
        : { type, id, epoch, schedule, target };
  return { type: 'packet', packet: said } as const;
}

const state = (
  phase: ElectionState['phase'],
  epoch: number,
  deadlineMs: number,
  ballot: string | null = SELF,
) => ({ phase, epoch, ballot, deadlineMs }) satisfies ElectionState;
const leader = (epoch: number, deadlineMs = 10_000) =>
  state({ kind: 'leader', sinceMs: 9_500 }, epoch, deadlineMs);
const follower = (id: string, epoch: number, pingMs = 9_500) =>
  state({ kind: 'follower', leader: id, pingMs, heardByLeaderMs: pingMs }, epoch, pingMs + VOTER_WAIT_MS, id);
const voted = (candidate: string, epoch: number) =>
  state({ kind: 'voted', candidate }, epoch, 12_000, candidate);
const electing = (epoch: number) => state({ kind: 'electing', needed: 2, voters: [SELF] }, epoch, 10_500);
const sends = (type: string, to: string, epoch: number, more = {}) => ({
  type: 'send',
  to,
  packet: { type, epoch, ...more },
});
const persists = (epoch: number, ballot: string) => ({ type: 'persist', epoch, ballot });

t.test('Starting', async t => {
  const start = initialState(settings, { epoch: 4, ballot: HIGH }, 0);
  t.match(start, { phase: { kind: 'starting' }, epoch: 4, ballot: HIGH, deadlineMs: START_MS });
  t.equal(step(settings, start, timer, at(START_MS - 1)).state, start, 'nothing happens before the deadline');
  const unknown = step(settings, start, timer, { nowMs: START_MS, peers: undefined });
  t.match(unknown.state, { phase: { kind: 'starting' }, epoch: 4 }, 'without a peer list it waits');
  const alone = step(settings, start, timer, at(START_MS, new Map()));
  t.match(alone.state, { phase: { kind: 'leader' }, epoch: 5 }, 'alone: leader');
  t.same(alone.effects, [persists(5, SELF), sends('Ping', 'all', 5)]);
  const elects = step(settings, start, timer, at(START_MS));
  t.same(elects.state, state({ kind: 'electing', needed: 2, voters: [SELF] }, 5, START_MS + ELECTING_MS));
  t.same(elects.effects, [persists(5, SELF), sends('Vote', 'all', 5, { target: SELF })]);
  const silent = step(settings, start, packet('Vote', LOW, 9), at(ELECTION.startMs - 1));
  t.equal(silent.state, start, 'no vote while a lost ballot might still count');
  const votes = step(settings, start, packet('Vote', LOW, 9), at(ELECTION.startMs));
  t.match(votes.state, { phase: { kind: 'voted', candidate: LOW }, epoch: 9, ballot: LOW });
  t.match(step(settings, start, packet('Ping', LOW, 4), at(1)).state, {
    phase: { kind: 'follower', leader: LOW },
  });
  t.same(
    step(settings, start, packet('Ping', LOW, 3), at(1)).effects,
    [sends('Pong', LOW, 4)],
    'an older leader learns of the epoch',
  );
  t.match(step(settings, start, packet('Pong', LOW, 9), at(1)).state, {
    phase: { kind: 'starting' },
    epoch: 9,
    ballot: SELF,
  });
  const forced = step({ ...settings, forceLeader: true }, start, timer, {
    nowMs: START_MS,
    peers: undefined,
  });
  t.match(forced.state, { phase: { kind: 'leader' }, epoch: 5 });
});

t.test('Electing', async t => {
  const won = step(settings, electing(7), packet('Vote', LOW, 7, SELF), at(10_000));
  t.match(won.state, { phase: { kind: 'leader' }, epoch: 7, deadlineMs: 10_500 });
  t.same(won.effects, [sends('Ping', 'all', 7)]);
  const five = sights({ id: LOW }, { id: HIGH }, { id: '44' }, { id: '55' });
  const start = state({ kind: 'electing', needed: 3, voters: [SELF] }, 7, 10_500);
  const one = step(settings, start, packet('Vote', LOW, 7, SELF), at(10_000, five));
  t.match(one.state, { phase: { kind: 'electing', voters: [SELF, LOW] } });
  t.equal(
    step(settings, one.state, packet('Vote', LOW, 7, SELF), at(10_001, five)).state,
    one.state,
    'a doubled vote counts once',
  );
  t.equal(
    step(settings, one.state, packet('Vote', '99', 7, SELF), at(10_001, five)).state,
    one.state,
    'nor does a stranger count',
  );
  const grown = step(settings, electing(7), packet('Vote', LOW, 7, SELF), at(10_000, five));
  t.equal(grown.state.phase.kind, 'electing', 'a list that grew meanwhile raises what is needed');
  const again = step(settings, electing(7), timer, at(10_500));
  t.match(again.state, { phase: { kind: 'electing' }, epoch: 8, deadlineMs: 10_500 + ELECTING_MS });
  t.equal(
    step(settings, electing(7), packet('Vote', LOW, 7), at(10_000)).state.epoch,
    7,
    'own candidacy comes first',
  );
  t.match(step(settings, electing(7), packet('Vote', LOW, 8), at(10_000)).state, {
    phase: { kind: 'voted', candidate: LOW },
    epoch: 8,
  });
  t.match(step(settings, electing(7), packet('Ping', LOW, 7), at(10_000)).state, {
    phase: { kind: 'follower', leader: LOW },
  });
  const away = sights({ id: LOW, responsive: false }, { id: HIGH, responsive: false });
  const hopeless = step(settings, electing(7), timer, at(10_500, away));
  t.match(
    hopeless.state,
    { phase: { kind: 'voted', candidate: SELF }, epoch: 7 },
    'with nobody there the epoch does not race',
  );
  t.same(hopeless.effects, []);
});

t.test('Voted and Follower', async t => {
  t.match(step(settings, voted(LOW, 7), timer, at(12_000)).state, { phase: { kind: 'electing' }, epoch: 8 });
  t.equal(
    step(settings, voted(LOW, 7), packet('Vote', HIGH, 7), at(10_000)).state.ballot,
    LOW,
    'one vote per epoch',
  );
  const followed = step(settings, voted(LOW, 7), packet('Ping', LOW, 7), at(10_000));
  t.match(followed.state, { phase: { kind: 'follower', leader: LOW }, deadlineMs: 10_000 + VOTER_WAIT_MS });
  t.same(followed.effects, [sends('Pong', LOW, 7)], 'the ballot is on the disk already');
  t.match(step(settings, follower(LOW, 7), timer, at(11_900)).state, {
    phase: { kind: 'electing' },
    epoch: 8,
  });
  const newer = step(settings, follower(LOW, 7), packet('Ping', HIGH, 8), at(10_000));
  t.match(newer.state, { phase: { kind: 'follower', leader: HIGH }, epoch: 8, ballot: HIGH });
  t.same(newer.effects, [persists(8, HIGH), sends('Pong', HIGH, 8)]);
  const old = follower(LOW, 7);
  t.equal(step(settings, old, packet('Ping', HIGH, 6), at(10_000)).state, old, 'an older leader is ignored');
  t.equal(
    step(settings, old, packet('Vote', HIGH, 9), at(10_000)).state,
    old,
    'a candidate cannot unseat a living leader',
  );
  t.match(step(settings, old, packet('Vote', HIGH, 9), at(11_200)).state, {
    phase: { kind: 'voted', candidate: HIGH },
    epoch: 9,
  });
  t.match(
    step(settings, old, packet('Vote', LOW, 8), at(10_000)).state,
    { phase: { kind: 'voted', candidate: LOW } },
    'its own leader may be elected anew',
  );
  t.equal(
    step(settings, old, packet('Ping', HIGH, 7), at(10_000)).state,
    old,
    'of two leaders the smaller id is kept',
  );
  t.match(step(settings, follower(HIGH, 7), packet('Ping', LOW, 7), at(10_000)).state, {
    phase: { leader: LOW },
  });
});

t.test('a leader deaf to its follower is left', async t => {
  let current: ElectionState = follower(LOW, 7, 0);
  const deaf = { ...packet('Ping', LOW, 7).packet, heard: false } as ElectionPacket;
  let nowMs = 0;
  while (current.phase.kind === 'follower' && nowMs < 20_000) {
    nowMs += 500;
    current = step(settings, current, { type: 'packet', packet: deaf }, at(nowMs)).state;
    current = step(settings, current, timer, at(nowMs)).state;
  }
  t.equal(current.phase.kind, 'electing');
  t.ok(nowMs <= ELECTION.timeoutMaxMs + 2 * VOTER_WAIT_MS, `${nowMs} ms`);
});

t.test('Leader', async t => {
  const beats = step(settings, leader(7), timer, at(10_000));
  t.same(beats.effects, [sends('Ping', 'all', 7)]);
  t.equal(beats.deadlineMs, 10_500);
  const same = leader(7);
  t.same(
    step(settings, same, packet('Ping', HIGH, 7), at(10_000)).effects,
    [sends('Ping', HIGH, 7)],
    'equal epoch, greater id: stays',
  );
  t.match(
    step(settings, same, packet('Ping', LOW, 7), at(10_000)).state,
    { phase: { kind: 'follower', leader: LOW } },
    'equal epoch, smaller id: follows',
  );
  t.match(step(settings, same, packet('Ping', HIGH, 8), at(10_000)).state, {
    phase: { kind: 'follower', leader: HIGH },
    epoch: 8,
  });
  t.match(step(settings, same, packet('Pong', LOW, 9), at(10_000)).state, {
    phase: { kind: 'electing' },
    epoch: 10,
  });
  t.equal(step(settings, same, packet('Pong', LOW, 7), at(10_000)).state, same);
  t.same(
    step(settings, same, packet('Vote', LOW, 6), at(10_000)).effects,
    [sends('Ping', LOW, 7)],
    'a late candidate is told',
  );
  const followed = sights({ id: LOW, heardMs: 9_900 }, { id: HIGH });
  t.equal(
    step(settings, same, packet('Vote', HIGH, 8), at(10_000, followed)).state,
    same,
    'with a majority it stays',
  );
  t.match(step(settings, same, packet('Vote', HIGH, 8), at(10_000)).state, {
    phase: { kind: 'voted' },
    epoch: 8,
  });
  const slept = step(settings, same, timer, at(same.deadlineMs + ELECTION.timeoutMaxMs + 1));
  t.match(
    slept.state,
    { phase: { kind: 'voted', candidate: SELF } },
    'after a long sleep it looks around first',
  );
  t.same(slept.effects, []);
  const lonely = state({ kind: 'leader', sinceMs: 0 }, 7, ELECTION.leaseMs + 1);
  t.match(
    step(settings, lonely, timer, at(lonely.deadlineMs)).state,
    { phase: { kind: 'voted' } },
    'no majority for a lease: steps down',
  );
  const minority = { ...settings, allowMinority: true };
  t.equal(
    step(minority, lonely, timer, at(lonely.deadlineMs)).state.phase.kind,
    'leader',
    'a minority goes on when allowed',
  );
  t.equal(step(settings, same, packet('Ping', SELF, 99), at(10_000)).state, same, 'own packets are ignored');
});

t.test('votes needed', async t => {
  const needed = (count: number, allowMinority: boolean, responsive: boolean) => {
    const peers = sights(
      ...Array.from({ length: count - 1 }, (_, index) => ({ id: `${index}`, responsive })),
    );
    return minimumVotes({ ...settings, allowMinority }, peers);
  };
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map(count => needed(count, false, false)),
    [1, 2, 2, 3, 3, 4, 4],
  );
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map(count => needed(count, true, true)),
    [1, 2, 2, 3, 3, 4, 4],
  );
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map(count => needed(count, true, false)),
    [1, 1, 1, 1, 1, 1, 1],
    'stale peers do not count in minority mode',
  );
});

t.test('the peer table', async t => {
  const report = (id: string, lastReportDirectMs: number | null): PeerReport => ({
    ...{ id, name: id, hostname: id, address: '10.0.0.1', cantalPort: 22_682, knownSinceMs: 0 },
    lastReportDirectMs,
  });
  const table = new PeerTable({ staleMs: 4_000, freshMs: 5_000 });
  const responsive = (id: string) => table.get(id)?.responsive;
  t.equal(table.peers, undefined, 'before the first list nothing is known');
  t.equal(table.heard(LOW, 0, 0, { schedule: null }), false);
  table.update([report(LOW, 999_000), report(HIGH, null)], 0, 1_000_000);
  t.same([responsive(LOW), responsive(HIGH)], [true, false]);
  table.update([report(LOW, 999_000), report(HIGH, 1_003_000)], 3_500, 1_003_500);
  table.refresh(4_000);
  t.same([responsive(LOW), responsive(HIGH)], [false, true], 'what matters is whether the stamp moves');
  table.update([report(LOW, 999_000), report(HIGH, 4_600_000)], 5_000, 4_600_000);
  t.equal(responsive(HIGH), true, 'a wall clock that jumps by an hour makes nobody stale');
  table.heard(LOW, 5_500, 4_600_500, { schedule: null, errors: 3 });
  t.match(table.get(LOW), { responsive: true, errors: 3, lastPongWallMs: 4_600_500 });
  table.refresh(10_001);
  t.same([responsive(LOW), responsive(HIGH)], [true, true], 'a silent cantal makes nobody stale');
  table.forgetErrors();
  t.equal(table.get(LOW)?.errors, 0);
  table.update([report(LOW, 5_000_000)], 11_000, 5_000_000);
  t.equal(table.get(HIGH), undefined, 'who left the list is forgotten');
  t.ok((table.get(LOW)?.heardMs ?? 0) > 0, 'who stays keeps what was learned');
});

t.test('a silent peer stays silent although cantal converts its stamp anew for each answer', async t => {
  const report = (lastReportDirectMs: number): PeerReport => ({
    ...{ id: LOW, name: LOW, hostname: LOW, address: '10.0.0.1', cantalPort: 22_682, knownSinceMs: 0 },
    lastReportDirectMs,
  });
  const table = new PeerTable({ staleMs: 4_000, freshMs: 5_000 });
  const polled = (nowMs: number, stampMs: number) => {
    table.update([report(stampMs)], nowMs, 1_000_000 + nowMs);
    return table.get(LOW)?.responsive;
  };
  t.equal(polled(0, 1_000_000), true);
  // One poll a second for ten minutes: rounding moves the stamp to and fro, and a slewed clock moves it always the same way.
  for (let second = 5; second < 600; second++) {
    const rounded = 1_000_000 + (second % 3) - 1;
    if (polled(second * 1_000, second < 300 ? rounded : rounded + second - 300) !== false)
      return t.fail(`back from the dead after ${second} s`);
  }
  t.equal(polled(600_000, 1_600_000), true, 'a real report counts at once');
  t.equal(polled(604_000, 1_600_001), false);
});

t.test('packets', async t => {
  const id = fc.uint8Array({ minLength: 1, maxLength: 64 }).map(bytes => Buffer.from(bytes).toString('hex'));
  const hash = fc
    .uint8Array({ minLength: 20, maxLength: 20 })
    .map(bytes => Buffer.from(bytes).toString('hex'));
  const stamp = fc.option(fc.record({ timestamp: fc.maxSafeNat(), hash, origin: id }));
  const common = { id, epoch: fc.nat(EPOCH_MAX), schedule: stamp };
  const anyPacket = fc.oneof(
    fc.record({ type: fc.constant('Ping' as const), ...common, heard: fc.boolean() }),
    fc.record({ type: fc.constant('Pong' as const), ...common, errors: fc.nat(1e9), fork: stamp }),
    fc.record({ type: fc.constant('Vote' as const), ...common, target: id }),
  );
  fc.assert(
    fc.property(anyPacket, said => {
      const bytes = encodeElectionPacket(said);
      return (
        bytes.length <= ELECTION_PACKET_BYTES_MAX &&
        JSON.stringify(sorted(decodeElectionPacket(bytes))) === JSON.stringify(sorted(said))
      );
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), bytes => typeof decodeElectionPacket(bytes) === 'object'),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(anyPacket, fc.nat(511), fc.nat(255), (said, place, value) => {
      const bytes = Uint8Array.from(encodeElectionPacket(said));
      bytes[place % bytes.length] = value;
      return typeof decodeElectionPacket(bytes) === 'object';
    }),
    { numRuns: 20_000 },
  );
  const bad = (fields: Record<string, unknown>) =>
    decodeElectionPacket(
      encodeCbor({
        type: 'Vote',
        id: new Uint8Array(16),
        epoch: 1,
        target: new Uint8Array(16),
        ...fields,
      } as never),
    );
  t.match(bad({}), { type: 'Vote', schedule: null }, 'a missing schedule means none');
  t.same(bad({ epoch: -1 }), { error: 'bad epoch' });
  t.same(bad({ epoch: 2 ** 49 }), { error: 'bad epoch' });
  t.same(bad({ id: 'text' }), { error: 'bad id' });
  t.same(bad({ target: new Uint8Array(65) }), { error: 'bad target' });
  t.same(bad({ type: 'Shout' }), { error: 'unknown type' });
  t.same(bad({ schedule: { timestamp: 1, hash: 'XYZ', origin: new Uint8Array(1) } }), {
    error: 'bad schedule stamp',
  });
  t.same(decodeElectionPacket(new Uint8Array(513)), { error: 'packet of 513 bytes' });
  const speech = { own: null, known: null, errors: 2, fork: null };
  const view = at(10_000, sights({ id: LOW, heardMs: 9_000 }, { id: HIGH }));
  const ping = { type: 'Ping', epoch: 3 } as const;
  t.match(completePacket(settings, ping, LOW, view, speech), { heard: true });
  t.match(completePacket(settings, ping, HIGH, view, speech), { heard: false });
  t.match(completePacket(settings, { type: 'Pong', epoch: 3 }, LOW, view, speech), {
    type: 'Pong',
    errors: 2,
  });
});

function sorted(value: object): unknown {
  return Object.fromEntries(Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1)));
}
