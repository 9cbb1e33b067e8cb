// Roll-outs with the real state machine of each instance, in a small world where programs come up, fail and die.
import { seededRandom } from '@suite/shared/sim/random.ts';
import t from 'tap';
import { TIMES } from '../../src/config/defaults.ts';
import type { DesiredInstance, RollingUpdate } from '../../src/core/desired/types.ts';
import { freshInstance } from '../../src/core/instance/beginnings.ts';
import { currentRun, isReady } from '../../src/core/instance/facts.ts';
import { step } from '../../src/core/instance/machine.ts';
import type { Event, Instance } from '../../src/core/instance/types.ts';
import { beginRollout, divide, rolloutStatus } from '../../src/core/rollout/begin.ts';
import { stepRollout } from '../../src/core/rollout/step.ts';
import type { Rollout } from '../../src/core/rollout/types.ts';
import { desired, restart } from '../desired.ts';

const POLICY: RollingUpdate = { maxUnavailable: 1, timeoutMs: 10_000, rollBack: true };

function version(identity: string, count: number, change: Partial<DesiredInstance> = {}): DesiredInstance[] {
  return Array.from({ length: count }, (_, index) =>
    desired({ name: `box/web.${index}`, index, identity, restart: restart(1000), ...change }),
  );
}

/** Per identity: how likely a program comes up, how soon it is ready, how likely it dies in a second. */
interface Quality {
  readonly starts: number;
  readonly readyMs: number;
  readonly dies: number;
}

class World {
  now = 0;
  readonly instances = new Map<string, Instance>();
  rollout: Rollout | undefined;
  readonly told: string[] = [];
  /** Told to change while they were up, and not well since: away because of the roll-out. */
  readonly away = new Map<string, string>();
  mostAway = 0;
  private wakeAtMs: number | null = null;
  private readonly events: { atMs: number; name: string; event: Event; run: number }[] = [];
  private readonly quality: (identity: string) => Quality;
  private readonly random: ReturnType<typeof seededRandom>;

  constructor(seed: number, quality: (identity: string) => Quality) {
    this.random = seededRandom(seed);
    this.quality = quality;
  }

  feed(name: string, event: Event): void {
    const instance = this.instances.get(name);
    if (instance === undefined) return;
    const done = step(instance, event, this.now);
    this.instances.set(name, done.instance);
    if (done.instance.state.kind === 'gone') this.instances.delete(name);
    const later = (delayMs: number, next: Event, run: number) =>
      this.events.push({ atMs: this.now + delayMs, name, event: next, run });
    for (const effect of done.effects) {
      if (effect.kind === 'start') {
        const { starts, readyMs } = this.quality(effect.run.identity);
        const { number } = effect.run;
        if (this.random.next() >= starts) later(50, { kind: 'failed', message: 'it cannot start' }, number);
        else {
          later(50, { kind: 'started', pid: number }, number);
          later(50 + readyMs, { kind: 'ready' }, number);
        }
      }
      if (effect.kind === 'terminate')
        later(
          this.random.between(10, 900),
          { kind: 'exited', code: 143, outOfMemory: false },
          effect.run.number,
        );
      if (effect.kind === 'wake') later(effect.atMs - this.now, { kind: effect.event }, Number.NaN);
    }
  }

  make(wanted: DesiredInstance): void {
    this.instances.set(wanted.name, freshInstance(wanted, 1, this.now));
    this.feed(wanted.name, { kind: 'due' });
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      this.look();
      this.events.sort((a, b) => a.atMs - b.atMs);
      const next = this.events[0];
      const atMs = Math.min(next?.atMs ?? until + 1, Math.max(this.now + 1, this.wakeAtMs ?? until + 1));
      if (atMs > until) break;
      if (next === undefined || next.atMs > atMs) {
        this.now = atMs;
        continue;
      }
      this.events.shift();
      this.now = Math.max(this.now, next.atMs);
      const state = this.instances.get(next.name)?.state;
      const current = state !== undefined && 'run' in state ? state.run.number : undefined;
      if (Number.isNaN(next.run) || next.run === current) this.feed(next.name, next.event);
    }
    this.now = until;
    this.look();
  }

  /** Programs die as their version is: call it once a second. */
  strike(): void {
    for (const [name, { state }] of this.instances) {
      if (state.kind !== 'running' || this.random.next() >= this.quality(state.run.identity).dies) continue;
      this.feed(name, { kind: 'exited', code: 1, outOfMemory: false });
    }
  }

  look(): void {
    if (this.rollout === undefined) return;
    const { rollout, moves, wakeAtMs } = stepRollout(
      this.rollout,
      name => this.instances.get(name),
      this.now,
    );
    this.wakeAtMs = wakeAtMs;
    this.rollout = rollout;
    for (const [name, identity] of this.away) {
      // Given up on the way back: it has what it had, and that is no good either.
      if (rollout.lost.includes(name) || this.isWell(name, identity)) this.away.delete(name);
    }
    for (const move of moves) {
      if (move.kind === 'retire') this.away.delete(move.name);
      else if (this.isUp(move.desired.name) || this.away.has(move.desired.name))
        this.away.set(move.desired.name, move.desired.identity);
      this.mostAway = Math.max(this.mostAway, this.away.size);
      if (move.kind === 'retire') this.feed(move.name, { kind: 'removed' });
      else if (this.instances.has(move.desired.name)) {
        this.told.push(move.desired.name);
        this.feed(move.desired.name, { kind: 'configured', desired: move.desired });
      } else this.make(move.desired);
    }
  }

  private isUp(name: string): boolean {
    const instance = this.instances.get(name);
    return instance !== undefined && isReady(instance);
  }

  private isWell(name: string, identity: string): boolean {
    const instance = this.instances.get(name);
    return currentRun(instance as Instance)?.identity === identity && isReady(instance as Instance);
  }

  identities(): string[] {
    return [...this.instances.values()].map(({ desired: wanted }) => wanted?.identity ?? '-');
  }

  ready(): number {
    return [...this.instances.values()].filter(isReady).length;
  }
}

const GOOD: Quality = { starts: 1, readyMs: 200, dies: 0 };

function running(
  count: number,
  quality: (identity: string) => Quality,
  change: Partial<DesiredInstance> = {},
): World {
  const world = new World(1, quality);
  for (const wanted of version('old', count, change)) world.make(wanted);
  world.pass(5_000);
  return world;
}

const ASKED: Partial<DesiredInstance> = { readiness: { kind: 'notify' } };

t.test('one after the other, each ready and settled before the next', async t => {
  const world = running(4, () => GOOD, ASKED);
  world.rollout = beginRollout(version('old', 4, ASKED), version('new', 4, ASKED), POLICY);
  let fewest = 4;
  for (let ms = 0; ms < 10_000; ms += 10) {
    world.pass(10);
    fewest = Math.min(fewest, world.ready());
  }
  t.equal(fewest, 3, 'never more than one away');
  t.equal(world.rollout?.state, 'done');
  t.same(world.told, ['box/web.0', 'box/web.1', 'box/web.2', 'box/web.3']);
  t.same(world.identities(), ['new', 'new', 'new', 'new']);
  t.match(rolloutStatus(world.rollout as Rollout), { state: 'done', done: 4, total: 4, message: null });
});

t.test('a bad version costs one instance, and that one returns', async t => {
  const world = running(3, id => (id === 'new' ? { ...GOOD, readyMs: 60_000 } : GOOD), ASKED);
  world.rollout = beginRollout(version('old', 3, ASKED), version('new', 3, ASKED), POLICY);
  world.pass(9_000);
  t.match(rolloutStatus(world.rollout as Rollout), { state: 'rolling', done: 0, total: 3 });
  world.pass(10_000);
  t.match(world.rollout, { state: 'rolled-back', message: 'box/web.0 did not become healthy within 10 s' });
  t.same(world.told, ['box/web.0', 'box/web.0']);
  t.equal(world.ready(), 3);
  const crashing = running(3, id => (id === 'new' ? { ...GOOD, dies: 1 } : GOOD));
  crashing.rollout = beginRollout(version('old', 3), version('new', 3), POLICY);
  for (let second = 0; second < 9; second++) {
    crashing.pass(300);
    crashing.strike();
    crashing.pass(700);
  }
  t.match(crashing.rollout, { state: 'rolled-back', message: /web\.0 fails again and again: .*code 1/ });
  const stays = running(3, id => (id === 'new' ? { ...GOOD, starts: 0 } : GOOD));
  stays.rollout = beginRollout(version('old', 3), version('new', 3), { ...POLICY, rollBack: false });
  stays.pass(20_000);
  t.equal(stays.rollout?.state, 'failed');
  t.same(stays.identities(), ['new', 'old', 'old'], 'without roll-back the others keep what they have');
});

t.test(
  'more and fewer instances; what is away is replaced first; what is down before stays no obstacle',
  async t => {
    const grown = running(2, () => GOOD);
    grown.rollout = beginRollout(version('old', 2), version('new', 4), POLICY);
    grown.pass(20_000);
    t.same([grown.rollout?.state, grown.identities()], ['done', ['new', 'new', 'new', 'new']]);
    const shrunk = running(3, () => GOOD);
    shrunk.rollout = beginRollout(version('old', 3), version('new', 1), POLICY);
    shrunk.pass(1_200);
    t.equal(shrunk.instances.size, 3, 'the surplus stays until the new ones are good');
    shrunk.pass(10_000);
    t.same(shrunk.identities(), ['new']);
    const bad = running(1, id => (id === 'new' ? { ...GOOD, starts: 0 } : GOOD));
    bad.rollout = beginRollout(version('old', 1), version('new', 3), POLICY);
    bad.pass(20_000);
    t.same([bad.rollout?.state, bad.identities()], ['rolled-back', ['old']]);
    const broken = running(3, id => (id === 'old' ? { ...GOOD, starts: 0 } : GOOD));
    broken.rollout = beginRollout(version('old', 3), version('new', 3), POLICY);
    broken.pass(20_000);
    t.equal(broken.rollout?.state, 'done', 'an old version that is down can be replaced');
  },
);

t.test('whether there is a roll-out, and where it stands for the next supervisor', async t => {
  const [old, next] = [version('old', 3), version('new', 3)];
  t.equal(beginRollout(old, next, null), undefined, 'the sandbox wants none');
  t.equal(beginRollout([], next, POLICY), undefined, 'nothing to replace');
  t.equal(beginRollout(old, version('old', 5), POLICY), undefined, 'only more of the same');
  const rollout = beginRollout(old, next, POLICY) as Rollout;
  const has: Record<string, string> = { 'box/web.0': 'new', 'box/web.1': 'old' };
  const middle = divide(rollout, name => has[name], 7);
  t.same(
    middle.now.map(({ identity }) => identity),
    ['new', 'old', 'new'],
    'of the third nothing is left: it had been told',
  );
  t.same(middle.rollout.asked, { 'box/web.0': 7, 'box/web.2': 7 });
  const more = beginRollout(version('old', 1), version('new', 2), POLICY) as Rollout;
  t.same(
    divide(more, name => (name === 'box/web.0' ? 'old' : undefined), 7).held.map(({ name }) => name),
    ['box/web.1'],
  );
  const rejected = divide({ ...rollout, way: 'back', state: 'rolled-back' }, () => 'old', 7);
  t.same(rejected.now, old, 'what was rejected is not tried again');
  t.same(divide({ ...rollout, state: 'done' }, () => 'old', 7).now, next);
  const failed = divide({ ...rollout, state: 'failed' }, name => has[name], 7);
  t.same(
    failed.now.map(({ identity }) => identity),
    ['new', 'old', 'new'],
  );
});

t.test('any fate: never more than allowed are away for the roll-out, and it comes to an end', async t => {
  const first = Number(process.env.SUITE_SEED ?? 1);
  const count = process.env.SUITE_SEED === undefined ? 10_000 : 1;
  const ends = new Map<string, number>();
  for (let seed = first; seed < first + count; seed++) {
    const end = fate(seed);
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  t.same(
    [...ends.keys()].filter(end => !/^(done|rolled-back|failed)$/.test(end)),
    [],
  );
  if (count > 1)
    for (const end of ['done', 'rolled-back', 'failed'])
      t.ok((ends.get(end) ?? 0) > 20, `${end}: ${ends.get(end)}`);
});

/** How one random roll-out ends; `SUITE_SEED=…: why` when a law was broken. */
function fate(seed: number): string {
  const random = seededRandom(seed);
  const chance = () => (random.next() < 0.5 ? 1 : random.next());
  const quality = (): Quality => ({
    starts: chance(),
    readyMs: random.between(0, random.next() < 0.2 ? 20_000 : 800),
    dies: random.next() < 0.5 ? 0 : random.next() * 0.5,
  });
  const qualities: Record<string, Quality> = { old: random.next() < 0.6 ? GOOD : quality(), new: quality() };
  const world = new World(seed, identity => qualities[identity] as Quality);
  const policy = {
    maxUnavailable: 1 + Math.floor(random.between(0, 3)),
    timeoutMs: 8_000,
    rollBack: random.next() < 0.8,
  };
  const change = random.next() < 0.5 ? ASKED : {};
  const [old, next] = [1 + Math.floor(random.between(0, 6)), 1 + Math.floor(random.between(0, 6))];
  for (const wanted of version('old', old, change)) world.make(wanted);
  world.pass(4_000);
  world.rollout = beginRollout(version('old', old, change), version('new', next, change), policy);
  for (let second = 0; second < 400 && world.rollout?.state === 'rolling'; second++) {
    world.pass(random.between(100, 500));
    world.strike();
    world.pass(500);
    if (world.mostAway > policy.maxUnavailable) return `SUITE_SEED=${seed}: ${world.mostAway} away at once`;
    // Half of them meet a new supervisor in the middle.
    if (second === 5 && seed % 2 === 0 && world.rollout?.state === 'rolling') resume(world);
  }
  const end = world.rollout?.state ?? 'none';
  world.pass(TIMES.settleMs);
  const expected = end === 'done' ? 'new' : end === 'rolled-back' ? 'old' : undefined;
  const stray = world.identities().filter(identity => identity !== expected && identity !== '-');
  return expected !== undefined && stray.length > 0 ? `SUITE_SEED=${seed}: ${end} with ${stray}` : end;
}

function resume(world: World): void {
  const known = (name: string) => world.instances.get(name)?.desired?.identity;
  const saved = { ...(world.rollout as Rollout), asked: {} };
  const { now, rollout } = divide(saved, known, world.now);
  world.rollout = rollout;
  for (const wanted of now) world.feed(wanted.name, { kind: 'configured', desired: wanted });
}
