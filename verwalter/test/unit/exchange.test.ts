import type { ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import t from 'tap';
import { sha1 } from '../../src/adapters/storage.ts';
import type { Phase } from '../../src/core/election/state.ts';
import {
  type ExchangeEvent,
  type ExchangePeer,
  type ExchangeSettings,
  type ExchangeState,
  type ExchangeView,
  exchange,
  fetchState,
  scheduleStatus,
} from '../../src/core/exchange/exchange.ts';
import { makeSchedule, stampOf } from '../../src/core/schedule/schedule.ts';

const SELF = '22'.repeat(16);
const LOW = '11'.repeat(16);
const HIGH = '33'.repeat(16);

const made = (name: string, origin: string, timestamp: number) =>
  makeSchedule({ name }, origin, timestamp, sha1);

const settings: ExchangeSettings = {
  times: { settleMs: 1_000, maxMs: 3_000, retryMinMs: 100, retryMaxMs: 300, voteMs: 1_000 },
  random: (minMs, maxMs) => (minMs + maxMs) / 2,
};

/** A small world around the exchange core: what is not said stays as it was. */
class Exchange {
  state: ExchangeState = { kind: 'unstable' };
  view: ExchangeView = {
    nowMs: 10_000,
    self: SELF,
    phase: { kind: 'starting', votesFromMs: 0 },
    epoch: 1,
    peers: new Map(),
    known: null,
  };

  peers(...peers: (Partial<ExchangePeer> & { id: string })[]): void {
    const whole = peers.map(peer => ({
      responsive: true,
      heardMs: 9_900,
      schedule: null,
      fork: null,
      ...peer,
    }));
    this.view = { ...this.view, peers: new Map(whole.map(peer => [peer.id, peer])) };
  }

  elect(phase: Phase, epoch = this.view.epoch + 1): void {
    this.view = { ...this.view, phase, epoch };
  }

  step(event: ExchangeEvent = { type: 'look' }, nowMs = this.view.nowMs) {
    this.view = { ...this.view, nowMs };
    const { state, effects } = exchange(settings, this.state, event, this.view);
    this.state = state;
    return effects;
  }

  get status() {
    return scheduleStatus(this.state, this.view);
  }
}

const LEADER: Phase = { kind: 'leader', sinceMs: 0 };
const following = (leader: string): Phase => ({ kind: 'follower', leader, pingMs: 0, heardByLeaderMs: 0 });
const fetched = (peer: string, schedule: ScheduleObject): ExchangeEvent => ({
  type: 'fetched',
  peer,
  hash: schedule.hash,
  schedule,
});

t.test("a follower takes its leader's schedule", async t => {
  const node = new Exchange();
  const wanted = made('new', LOW, 50);
  node.peers({ id: LOW, schedule: stampOf(wanted) });
  node.elect(following(LOW));
  t.same(
    node.step(),
    [{ type: 'fetch', peer: LOW, hash: wanted.hash }],
    'a stamp known before following is used at once',
  );
  t.equal(node.status, 'fetching');
  t.same(node.step(), [], 'one request at a time');
  t.same(
    node.step({ type: 'failed', peer: LOW, hash: wanted.hash, gone: false }),
    [],
    'after a failure there is a pause',
  );
  t.same(node.step({ type: 'look' }, 10_199), []);
  t.same(node.step({ type: 'look' }, 10_200), [{ type: 'fetch', peer: LOW, hash: wanted.hash }]);
  const wrong = made('other', LOW, 51);
  t.same(
    node.step({ type: 'fetched', peer: LOW, hash: wanted.hash, schedule: wrong }),
    [],
    'a wrong hash in the answer: pause, not a loop',
  );
  node.step({ type: 'look' }, 10_400);
  t.same(node.step(fetched(LOW, wanted)), [{ type: 'accept', schedule: wanted }]);
  t.equal(node.status, 'ok');
  t.same(node.step(), [], 'it is not fetched again');
  t.same(fetchState(node.state, node.view), { state: 'Replicating', leader: LOW, schedule: wanted.hash });
  node.view = { ...node.view, known: wanted };
  node.elect(following(HIGH));
  node.peers({ id: HIGH, schedule: { ...stampOf(wanted), origin: HIGH, timestamp: 60 } });
  t.same(
    node.step(),
    [{ type: 'accept', schedule: { ...wanted, origin: HIGH, timestamp: 60 } }],
    'the same data needs no request',
  );
  const foreign = made('foreign', LOW, 70);
  node.peers({ id: HIGH, schedule: stampOf(foreign) });
  t.same(node.step(), [], "a schedule of another origin is not this leader's");
  node.peers({ id: HIGH });
  t.equal(node.status, 'waiting');
  node.elect({ kind: 'voted', candidate: LOW });
  node.step();
  t.same(fetchState(node.state, node.view), { state: 'Unstable' });
  t.equal(node.status, 'unstable');
  t.same(node.step(fetched(HIGH, foreign)), [], 'answers to an earlier state change nothing');
});

t.test('a new leader collects parents', async t => {
  const node = new Exchange();
  const own = made('own', HIGH, 10);
  const theirs = made('theirs', HIGH, 20);
  node.view = { ...node.view, known: own };
  node.peers(
    { id: LOW, schedule: stampOf(theirs) },
    { id: HIGH, heardMs: 3_000, schedule: stampOf(made('old', HIGH, 5)) },
  );
  node.elect(LEADER);
  t.same(
    node.step(),
    [{ type: 'fetch', peer: LOW, hash: theirs.hash }],
    'who has not answered yet is not asked',
  );
  t.same(fetchState(node.state, node.view), { state: 'Prefetching', waiting: [theirs.hash] });
  t.same(node.step(fetched(LOW, theirs)), [], 'the silent peer may still answer');
  t.same(node.step({ type: 'look' }, 10_999), []);
  t.same(node.step({ type: 'look' }, 11_000), [{ type: 'parents', schedules: [theirs, own] }]);
  t.same(fetchState(node.state, node.view), { state: 'StableLeader' });
  t.equal(node.status, 'ok');

  const quick = new Exchange();
  quick.peers({ id: LOW }, { id: HIGH, heardMs: 3_000, responsive: false });
  quick.elect(LEADER);
  t.same(
    quick.step(),
    [{ type: 'parents', schedules: [] }],
    'when every living peer has answered nobody waits',
  );

  const late = new Exchange();
  late.peers({ id: LOW, schedule: stampOf(theirs) });
  late.elect(LEADER);
  late.step();
  t.same(late.step({ type: 'look' }, 12_999), []);
  t.same(
    late.step({ type: 'look' }, 13_000),
    [{ type: 'parents', schedules: [] }],
    'an unfinished request does not stop the cluster',
  );
  late.peers({ id: LOW, heardMs: 12_900, schedule: stampOf(theirs) });
  late.elect(LEADER);
  t.equal(late.step()[0]?.type, 'fetch', 'a new epoch starts afresh');
});

t.test('a part that comes back hands its schedule over', async t => {
  const node = new Exchange();
  const parent = made('parent', HIGH, 100);
  node.view = { ...node.view, known: parent };
  node.peers({ id: LOW });
  node.elect(LEADER);
  node.step();
  const fork = made('fork', HIGH, 200);
  const old = made('old', HIGH, 99);
  node.peers({ id: LOW, schedule: stampOf(old) }, { id: HIGH, fork: stampOf(fork) });
  t.same(
    node.step(),
    [{ type: 'fetch', peer: HIGH, hash: fork.hash }],
    'only what is newer than every parent',
  );
  t.same(node.step(fetched(HIGH, fork)), [{ type: 'lateParent', schedule: fork }]);
  t.same(node.step(), [], 'once');
  const gone = made('gone', HIGH, 300);
  node.peers(
    { id: HIGH, fork: stampOf(gone) },
    { id: LOW, schedule: { ...stampOf(gone), hash: sha1('own'), origin: SELF } },
  );
  t.same(
    node.step(),
    [{ type: 'fetch', peer: HIGH, hash: gone.hash }],
    'what this node made itself is no fork',
  );
  node.step({ type: 'failed', peer: HIGH, hash: gone.hash, gone: true });
  t.same(node.step({ type: 'look' }, 60_000), [], 'what nobody has any more is not asked for for ever');
});
