import t from 'tap';
import { adoptedInstance, freshInstance, restingInstance } from '../../src/core/instance/beginnings.ts';
import { isReady, isSettled, wantsSockets } from '../../src/core/instance/facts.ts';
import { step } from '../../src/core/instance/machine.ts';
import type { Effect, Event, Instance, Run } from '../../src/core/instance/types.ts';
import { nextStartMs, startDelayMs } from '../../src/core/restart/delay.ts';
import { describeExit, isFailure } from '../../src/core/restart/exit.ts';
import { desired, restart } from '../desired.ts';

/** Plays events at given times; answers the last instance and all effects as words. */
function play(instance: Instance, ...events: readonly (readonly [number, Event])[]) {
  const words: string[] = [];
  let now = instance;
  for (const [at, event] of events) {
    const next = step(now, event, at);
    now = next.instance;
    words.push(...next.effects.map(describe));
  }
  return { instance: now, words };
}

function describe(effect: Effect): string {
  switch (effect.kind) {
    case 'start':
    case 'discard':
      return `${effect.kind} ${effect.run.number}`;
    case 'wake':
      return `${effect.event} at ${effect.atMs}`;
    case 'terminate':
      return effect.signal;
    default:
      return effect.kind;
  }
}

const exited = (code: number | null): Event => ({ kind: 'exited', code, outOfMemory: false });
const started: Event = { kind: 'started', pid: 7 };
const due: Event = { kind: 'due' };
const ready: Event = { kind: 'ready' };
const sick: Event = { kind: 'sick', message: 'no answer' };
const configured = (change: Parameters<typeof desired>[0] = {}): Event => ({
  kind: 'configured',
  desired: desired(change),
});
const running = (change: Parameters<typeof desired>[0] = {}) =>
  play(freshInstance(desired(change), 1, 0), [0, due], [10, started]).instance;

t.test('§6 restart-distance: two starts are restart-timeout apart', async t => {
  const first = play(freshInstance(desired(), 1, 0), [0, due], [10, started]);
  t.same(first.words, ['start 1', 'observe']);
  t.match(first.instance.state, { kind: 'running', pid: 7 });
  const early = play(first.instance, [300, exited(1)]);
  t.same(
    early.words,
    ['unobserve', 'due at 1000', 'rest', 'discard 1'],
    'waits until a second after its start',
  );
  t.same(play(early.instance, [1000, due]).words, ['start 2']);
  t.equal(early.instance.failures, 1);
  const late = play(first.instance, [5000, exited(0)]);
  t.same(late.words, ['unobserve', 'start 2', 'discard 1'], 'ran long enough: the next start comes first');
  t.equal(late.instance.restarts, 1);
  const eager = freshInstance(desired({ restart: restart(0) }), 1, 0);
  t.same(
    play(eager, [0, due], [20, { kind: 'failed', message: 'x' }]).words,
    ['start 1', 'discard 1', 'due at 520', 'rest'],
    'a failing start is not repeated in a tight loop',
  );
});

t.test('back-off doubles with each failure in a row, has a ceiling, and ends with a healthy run', async t => {
  const policy = restart(1000, { backoffMaxMs: 10_000 });
  t.same(
    [0, 1, 2, 3, 4, 5, 6, 99].map(row => startDelayMs(policy, row) / 1000),
    [1, 1, 2, 4, 8, 10, 10, 10],
  );
  t.equal(startDelayMs(restart(20_000), 9), 60_000);
  t.equal(startDelayMs(restart(90_000), 9), 90_000, 'never below restart-timeout');
  t.equal(startDelayMs(restart(0), 50), 0, 'restart-timeout 0 asks for no delay at all');
  t.equal(nextStartMs(100, 50, policy, 0), 1050);
  t.equal(nextStartMs(5000, 50, policy, 0), 5000);
  let now = 0;
  let instance = play(freshInstance(desired(), 1, 0), [0, due], [0, started]).instance;
  const waits: [string, number][] = [];
  for (let round = 0; round < 4; round++) {
    const startedMs = now;
    instance = step(instance, exited(1), now).instance;
    if (instance.state.kind !== 'waiting') throw new Error('it does not wait');
    waits.push([instance.state.reason, instance.state.startAtMs - startedMs]);
    now = instance.state.startAtMs;
    instance = play(instance, [now, due], [now, started]).instance;
  }
  t.same(waits, [
    ['interval', 1000],
    ['back-off', 2000],
    ['back-off', 4000],
    ['back-off', 8000],
  ]);
  const healthy = play(instance, [now + 10_000, exited(1)]).instance;
  t.equal(healthy.row, 1, 'ready for healthy-after: the failure is the first of a new row');
  t.equal(play(instance, [now + 9_999, exited(1)]).instance.row, 5);
  const normal = running({ normalExitCodes: [0] });
  t.equal(play(normal, [20_000, exited(0)]).instance.row, 0);
  t.match(
    play(normal, [500, exited(0)]).instance,
    { row: 1, failures: 0 },
    'an early end counts, not as a failure',
  );
  t.equal(
    play(instance, [now, configured({ identity: 'two' })]).instance.row,
    0,
    'another identity has not failed yet',
  );
});

t.test('too many failures in a row: failed, until it is cleared or configured differently', async t => {
  const policy = { restart: restart(0, { maxFailures: 2 }) };
  const one = play(running(policy), [20, exited(1)], [30, started]).instance;
  const down = play(one, [40, exited(3)]);
  t.same(down.words, ['unobserve', 'rest', 'discard 2']);
  t.match(down.instance, {
    state: { kind: 'failed' },
    problem: '2 failures in a row, the last one: exited with code 3',
  });
  t.same(
    play(down.instance, [50, due], [60, configured(policy)]).words,
    [],
    'the same again changes nothing',
  );
  t.same(play(down.instance, [50, { kind: 'clear' }]).words, ['start 3']);
  t.same(play(down.instance, [50, { kind: 'restart' }]).words, ['start 3']);
  t.same(play(down.instance, [50, configured({ ...policy, identity: 'two' })]).words, ['start 3']);
  t.same(play(down.instance, [50, { kind: 'removed' }]).words, ['forget']);
  const never = play(
    freshInstance(desired(policy), 1, 0),
    [0, due],
    [1, { kind: 'failed', message: 'no image' }],
  );
  const gaveUp = play(never.instance, [501, due], [502, { kind: 'failed', message: 'no image' }]).instance;
  t.match(gaveUp, { state: { kind: 'failed' }, problem: /the last one: no image/ }, 'failed starts count');
  const again = play(gaveUp, [600, { kind: 'clear' }], [601, started]).instance;
  t.match(again, { row: 0, problem: undefined });
});

t.test('§6 stop-escalation: hook, signal, then KILL at the deadline of what runs', async t => {
  const first = running();
  t.same(
    play(first, [20, configured({ command: ['/bin/other'] })]).words,
    [],
    'the same identity restarts nothing',
  );
  const stop = { signal: 'SIGINT', timeoutMs: 1, hook: [] } as const;
  const changed = play(first, [20, configured({ identity: 'two', stop })]);
  t.same(changed.words, ['SIGTERM', 'deadline at 5020'], 'with the signal and the time of what runs');
  const twice = play(changed.instance, [30, configured({ identity: 'three' })], [40, { kind: 'removed' }]);
  t.same(twice.words, [], 'the signal is sent once, and the deadline stays');
  t.same(play(twice.instance, [50, exited(143)]).words, ['unobserve', 'discard 1', 'forget']);
  const replaced = play(changed.instance, [5020, { kind: 'deadline' }], [5030, exited(137)]);
  t.same(replaced.words, ['kill', 'unobserve', 'start 2', 'discard 1']);
  t.equal(replaced.instance.failures, 1, 'a stop that needed KILL is a failure');
  t.match(replaced.instance, { row: 0, lastExit: { requested: true } });
  const hooked = play(running({ stop: { signal: 'SIGUSR1', timeoutMs: 9, hook: ['/bye'] } }), [
    20,
    { kind: 'removed' },
  ]);
  t.same(hooked.words, ['hook', 'deadline at 29']);
  t.same(play(hooked.instance, [25, { kind: 'hook-done' }], [26, { kind: 'hook-done' }]).words, ['SIGUSR1']);
  t.same(play(hooked.instance, [29, { kind: 'deadline' }], [30, { kind: 'hook-done' }]).words, ['kill']);
  t.same(
    play(hooked.instance, [25, exited(0)]).words,
    ['unobserve', 'discard 1', 'forget'],
    'it may end by itself',
  );
});

t.test('ready, unready, sick', async t => {
  const asks = { readiness: { kind: 'notify' } } as const;
  const waiting = running(asks);
  t.equal(isReady(waiting), false);
  t.equal(isReady(running()), true, 'nobody asks: ready as soon as it runs');
  const up = play(waiting, [500, ready], [600, ready]);
  t.same(up.words, ['note-ready'], 'once');
  t.equal(isSettled(up.instance, 500, 999), false);
  t.equal(isSettled(up.instance, 500, 1000), true);
  const down = play(up.instance, [20_000, { kind: 'unready', message: 'port 80 refuses' }]);
  t.match(down, {
    words: ['note-ready'],
    instance: { problem: 'port 80 refuses', state: { kind: 'running' } },
  });
  t.equal(play(down.instance, [30_000, exited(1)]).instance.row, 1, 'not healthy without being ready');
  const ill = play(up.instance, [1000, sick]);
  t.same(ill.words, ['SIGTERM', 'deadline at 6000', 'note-stop'], 'a later supervisor goes on with it');
  const over = play(ill.instance, [1100, exited(0)]);
  t.match(over.instance, { row: 1, failures: 1, lastExit: { requested: true, reason: 'no answer' } });
  t.equal(describeExit(over.instance.lastExit as never), 'exited with code 0, stopped because no answer');
  t.same(over.words, ['unobserve', 'start 2', 'discard 1']);
  const long = play(up.instance, [50_000, sick], [50_100, exited(143)]);
  t.match(long.instance, { row: 1, failures: 1 }, 'ending with TERM does not make it well');
  t.equal(play(ill.instance, [1050, configured({ identity: 'two' })], [1100, exited(0)]).instance.row, 0);
});

t.test('restart: an operator stops and starts again, which is no failure', async t => {
  const asked = play(running(), [3000, { kind: 'restart' }], [3100, exited(1)]);
  t.same(asked.words, ['SIGTERM', 'deadline at 8000', 'note-stop', 'unobserve', 'start 2', 'discard 1']);
  t.match(asked.instance, { row: 0, failures: 0, restarts: 1 });
  const waiting = play(running(), [300, exited(1)]).instance;
  t.same(
    play(waiting, [400, { kind: 'restart' }]).words,
    ['due at 1000', 'rest'],
    'keeps the least distance',
  );
  t.same(play(waiting, [400, { kind: 'clear' }]).words, ['start 2'], 'but clearing is at once');
});

t.test('while starting, waiting and held', async t => {
  const starting = play(freshInstance(desired(), 4, 0), [0, due]).instance;
  t.same(
    play(starting, [5, { kind: 'removed' }], [10, started]).words,
    ['SIGTERM', 'deadline at 5010'],
    'stops as soon as it started',
  );
  const back = play(starting, [5, { kind: 'removed' }], [6, configured()], [10, started]);
  t.match(back.instance.state, { kind: 'running' }, 'wanted again in time');
  t.same(play(starting, [5, configured({ identity: 'two' })], [10, started]).words, [
    'SIGTERM',
    'deadline at 5010',
  ]);
  const failed = play(starting, [20, { kind: 'failed', message: 'no image' }]);
  t.same(failed.words, ['discard 4', 'due at 1000', 'rest']);
  t.equal(failed.instance.problem, 'no image');
  const strict = { restart: restart(0, { maxFailures: 1 }) };
  const tried = play(
    freshInstance(desired(strict), 1, 0),
    [0, due],
    [5, configured({ ...strict, identity: 'two' })],
  );
  const other = play(tried.instance, [20, { kind: 'failed', message: 'no image' }]);
  t.same(other.words, ['discard 1', 'start 2'], 'what failed was the configuration before');
  t.match(other.instance, { row: 0, failures: 1, lastIdentity: 'two' });
  t.same(play(failed.instance, [30, { kind: 'removed' }]).words, ['forget']);
  t.same(
    play(failed.instance, [30, started], [31, exited(0)], [32, { kind: 'deadline' }]).words,
    [],
    'empty cells',
  );
  const held = freshInstance(desired({ after: ['db'] }), 1, 0, 'after');
  t.same(play(held, [0, due], [5, configured({ command: ['x'] })]).words, []);
  t.same(play(held, [5, { kind: 'released', next: null }]).words, ['start 1']);
  const handedOn = play(freshInstance(desired(), 1, 0, 'roll-out'), [5, { kind: 'released', next: 'after' }]);
  t.same(handedOn.words, []);
  t.same(handedOn.instance.state, { kind: 'held', reason: 'after' }, 'it may be held for two reasons');
  t.same(play(held, [5, { kind: 'restart' }]).words, ['start 1'], 'an operator knows better');
  t.same(play(held, [5, { kind: 'removed' }]).words, ['forget']);
  t.same(
    play(freshInstance(desired(), 1, 0, 'roll-out'), [5, { kind: 'restart' }]).words,
    [],
    'but not than a roll-out',
  );
});

t.test('§3.2 adopt, §3.2 replace, §3.2 retire, §3.2 early-death: what is found, also at rest', async t => {
  const run: Run = {
    number: 3,
    identity: 'one',
    stop: { signal: 'SIGTERM', timeoutMs: 2000, hook: [] },
    normalExitCodes: [],
    waitsForReady: false,
    healthyAfterMs: 10_000,
    startedMs: -500,
  };
  const history = { name: 'box/web.0', nextRun: 9, restarts: 2, failures: 1, row: 1, lastExit: undefined };
  const found = adoptedInstance(history, run, 5, -500);
  t.same(
    play(found, [0, configured()], [1, configured({ command: ['x'] })]).words,
    ['observe'],
    'looked after, once',
  );
  t.same(play(found, [0, configured({ identity: 'two' })]).words, ['SIGTERM', 'deadline at 2000']);
  t.same(play(found, [0, { kind: 'removed' }]).words, ['SIGTERM', 'deadline at 2000']);
  const died = play(found, [0, configured()], [100, exited(null)]);
  t.same(
    died.words,
    ['observe', 'unobserve', 'due at 1500', 'rest', 'discard 3'],
    'its row and start time go on',
  );
  t.equal(play(died.instance, [1500, due]).words[0], 'start 9', 'a run number is never used twice');
  const rest = { lastIdentity: 'one', lastStartMs: -500, problem: undefined };
  const waiting = restingInstance(history, rest, { kind: 'waiting', reason: 'back-off', startAtMs: 4000 });
  t.same(
    play(waiting, [0, configured()]).words,
    ['due at 4000'],
    'a new supervisor does not shorten the wait',
  );
  t.same(play(waiting, [0, configured({ identity: 'two' })]).words, ['due at 500', 'rest']);
  const down = restingInstance(history, rest, { kind: 'failed' });
  t.same(play(down, [0, configured()]).words, [], 'what has failed stays down');
  t.same(play(down, [0, { kind: 'removed' }]).words, ['forget']);
});

t.test('sockets are kept over a restart, and closed while nobody will answer for long', async t => {
  const up = running();
  const waiting = play(up, [20, exited(1)]).instance;
  const backoff = play(waiting, [1000, due], [1000, started], [1001, exited(1)]).instance;
  t.match(backoff.state, { kind: 'waiting', reason: 'back-off' });
  const failed: Instance = { ...up, state: { kind: 'failed' } };
  t.same([up, waiting, backoff, failed].map(wantsSockets), [true, true, false, false]);
  t.equal(wantsSockets(play(up, [20, configured({ identity: 'two' })]).instance), true);
});

t.test('§6 normal-exit, §6 term-is-normal: failures and exits in words', async t => {
  const exit = (code: number | null, requested = false) => ({ code, requested, outOfMemory: false });
  t.equal(isFailure(exit(0), []), true, 'for a daemon nothing is normal by default');
  t.equal(isFailure(exit(200), [200]), false);
  t.equal(isFailure(exit(143), []), false, 'death by TERM is none');
  t.equal(isFailure(exit(1, true), []), false);
  t.equal(describeExit(exit(3)), 'exited with code 3');
  t.equal(describeExit({ ...exit(137), outOfMemory: true }), 'killed by SIGKILL after running out of memory');
  t.equal(describeExit(exit(143, true)), 'killed by SIGTERM, as asked');
  t.match(describeExit(exit(null)), 'lost');
});
