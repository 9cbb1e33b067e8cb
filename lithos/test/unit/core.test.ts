import fc from 'fast-check';
import t from 'tap';
import type { DesiredInstance } from '../../src/core/desired/types.ts';
import { adoptedInstance, freshInstance, step } from '../../src/core/instance/machine.ts';
import type { Effect, Event, Instance } from '../../src/core/instance/types.ts';
import { type Known, plan } from '../../src/core/plan/plan.ts';
import { describeExit, isFailure, nextStartMs } from '../../src/core/restart/restart.ts';

function restart(timeoutMs: number): DesiredInstance['restart'] {
  return { timeoutMs, backoffMaxMs: 60_000, healthyAfterMs: 10_000, maxFailures: null };
}

function desired(change: Partial<DesiredInstance> = {}): DesiredInstance {
  return {
    name: 'box/web.0',
    sandbox: 'box',
    process: 'web',
    index: 0,
    identity: 'one',
    imageRoot: '/images/app',
    configPath: '/config/web.yaml',
    command: ['/bin/app'],
    environ: {},
    workdir: '/',
    userId: 1,
    groupId: 0,
    memoryLimitBytes: null,
    cpuShares: 1024,
    fileLimit: 1024,
    additionalGroups: [],
    uidMap: [],
    gidMap: [],
    swapLimitBytes: 0,
    cpuQuotaPercent: null,
    pidsLimit: 4096,
    ioWeight: null,
    ioLimits: [],
    rlimits: {},
    seccomp: 'default',
    newPrivileges: false,
    devices: [],
    restart: restart(1000),
    stop: { signal: 'SIGTERM', timeoutMs: 5000, hook: [] },
    processOnly: false,
    readiness: null,
    startTimeoutMs: 60_000,
    liveness: null,
    watchdogMs: null,
    after: [],
    stdio: { kind: 'log' },
    sockets: [],
    network: { kind: 'host' },
    secrets: null,
    normalExitCodes: [],
    volumes: [],
    etc: {
      resolvConf: { mount: null, copyFrom: null },
      hosts: { mount: null, copyFrom: null, localhost: true, publicHostname: false, additional: {} },
    },
    sharePid: false,
    needsPid: false,
    capabilities: [],
    ...change,
  };
}

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
    default:
      return effect.kind;
  }
}

const exited = (code: number | null): Event => ({ kind: 'exited', code, outOfMemory: false });
const started: Event = { kind: 'started', pid: 7 };
const due: Event = { kind: 'due' };

t.test('the life of an instance', async t => {
  const fresh = freshInstance(desired(), 1, 0);
  const running = play(fresh, [0, due], [10, started]);
  t.same(running.words, ['start 1']);
  t.match(running.instance.state, { kind: 'running', pid: 7 });

  const early = play(running.instance, [300, exited(1)]);
  t.same(early.words, ['due at 1000', 'discard 1'], 'ran too short: waits until a second after its start');
  t.same(play(early.instance, [1000, due]).words, ['start 2']);
  t.equal(early.instance.failures, 1);

  const late = play(running.instance, [5000, exited(0)]);
  t.same(late.words, ['start 2', 'discard 1'], 'ran long enough: the next start comes before anything else');
  t.equal(late.instance.restarts, 1);

  const same = play(running.instance, [
    20,
    { kind: 'configured', desired: desired({ command: ['/bin/other'] }) },
  ]);
  t.same(same.words, [], 'the content of the container file restarts nothing');
  const changed = play(running.instance, [
    20,
    {
      kind: 'configured',
      desired: desired({ identity: 'two', stop: { signal: 'SIGTERM', timeoutMs: 1, hook: [] } }),
    },
  ]);
  t.same(changed.words, ['terminate', 'deadline at 5020'], 'with the kill-timeout of what runs');
  const twice = play(
    changed.instance,
    [30, { kind: 'configured', desired: desired({ identity: 'three' }) }],
    [40, { kind: 'removed' }],
  );
  t.same(twice.words, [], 'TERM is sent once, and the deadline stays');
  t.same(play(twice.instance, [50, exited(143)]).words, ['discard 1', 'forget']);
  const replaced = play(changed.instance, [5020, { kind: 'deadline' }], [5030, exited(137)]);
  t.same(replaced.words, ['kill', 'start 2', 'discard 1']);
  t.equal(replaced.instance.failures, 1, 'a stop that needed KILL is a failure');
  t.match(replaced.instance.lastExit, { requested: true });
});

t.test('while starting and waiting', async t => {
  const starting = play(freshInstance(desired(), 4, 0), [0, due]).instance;
  const removed = play(starting, [5, { kind: 'removed' }], [10, started]);
  t.same(removed.words, ['terminate', 'deadline at 5010'], 'stops as soon as it started');
  const back = play(
    starting,
    [5, { kind: 'removed' }],
    [6, { kind: 'configured', desired: desired() }],
    [10, started],
  );
  t.match(back.instance.state, { kind: 'running' }, 'wanted again in time');
  const outdated = play(
    starting,
    [5, { kind: 'configured', desired: desired({ identity: 'two' }) }],
    [10, started],
  );
  t.same(outdated.words, ['terminate', 'deadline at 5010']);
  const failed = play(starting, [20, { kind: 'failed', message: 'no image' }]);
  t.same(failed.words, ['discard 4', 'due at 1000']);
  t.equal(failed.instance.problem, 'no image');
  const eager = play(
    freshInstance(desired({ restart: restart(0) }), 1, 0),
    [0, due],
    [20, { kind: 'failed', message: 'x' }],
  );
  t.same(
    eager.words,
    ['start 1', 'discard 1', 'due at 520'],
    'a failing start is not repeated in a tight loop',
  );
  t.same(play(failed.instance, [30, { kind: 'removed' }]).words, ['forget']);
  t.same(
    play(failed.instance, [30, started], [31, exited(0)], [32, { kind: 'deadline' }]).words,
    [],
    'empty cells do nothing',
  );
});

t.test('an adopted instance is configured, replaced or removed', async t => {
  const run = {
    number: 3,
    identity: 'one',
    stop: { signal: 'SIGTERM', timeoutMs: 2000, hook: [] } as const,
    normalExitCodes: [],
    startedMs: -500,
  };
  const found = adoptedInstance({
    name: 'box/web.0',
    run,
    nextRun: 9,
    pid: 5,
    restarts: 2,
    failures: 1,
    lastExit: undefined,
  });
  t.same(play(found, [0, { kind: 'configured', desired: desired() }]).words, []);
  t.same(play(found, [0, { kind: 'configured', desired: desired({ identity: 'two' }) }]).words, [
    'terminate',
    'deadline at 2000',
  ]);
  t.same(play(found, [0, { kind: 'removed' }]).words, ['terminate', 'deadline at 2000']);
  const died = play(found, [0, { kind: 'configured', desired: desired() }], [100, exited(null)]);
  t.same(died.words, ['due at 500', 'discard 3'], "its start time counts, not the supervisor's");
  t.equal(play(died.instance, [500, due]).words[0], 'start 9', 'a run number is never used twice');
});

t.test('any events in any order: one run at a time, never too early, always ends when removed', async t => {
  const event = fc.constantFrom<Event[]>(
    due,
    started,
    exited(1),
    { kind: 'failed', message: 'x' },
    { kind: 'deadline' },
    { kind: 'configured', desired: desired() },
    { kind: 'configured', desired: desired({ identity: 'two', restart: restart(0) }) },
    { kind: 'removed' },
  );
  const law = fc.property(fc.array(fc.tuple(fc.nat(400), event), { maxLength: 60 }), history => {
    let now = 0;
    let instance = step(freshInstance(desired(), 1, 0), due, 0).instance;
    let alive = 1;
    let lastStart = 0;
    for (const [pause, next] of history) {
      now += pause;
      const timeout =
        next.kind === 'configured' ? next.desired.restart.timeoutMs : instance.desired?.restart.timeoutMs;
      const result = step(instance, next, now);
      for (const effect of result.effects) {
        // `discard` says that a run is over; a start may be ordered just before it.
        if (effect.kind === 'start') {
          alive++;
          if (now - lastStart < (timeout ?? 0))
            throw new Error(`started ${now - lastStart} ms after the last start`);
          lastStart = now;
        }
        if (effect.kind === 'discard') alive--;
      }
      if (alive < 0 || alive > 1) throw new Error(`${alive} runs at once`);
      instance = result.instance;
    }
    const end: Event[] = [{ kind: 'removed' }, started, { kind: 'deadline' }, exited(137)];
    for (const last of end) instance = step(instance, last, now).instance;
    return instance.state.kind === 'gone';
  });
  t.doesNotThrow(() => fc.assert(law, { numRuns: 2_000 }));
});

t.test('the plan follows the adoption table', async t => {
  const wanted = new Map([
    ['b/adopted.0', 'x'],
    ['b/changed.0', 'new'],
    ['b/kept.0', 'x'],
    ['b/missing.0', 'x'],
    ['b/waiting.0', 'new'],
  ]);
  const known = new Map<string, Known>([
    ['b/adopted.0', { identity: 'x', supervised: false }],
    ['b/changed.0', { identity: 'old', supervised: false }],
    ['b/kept.0', { identity: 'x', supervised: true }],
    ['b/waiting.0', { identity: undefined, supervised: true }],
    ['b/retired.0', { identity: 'x', supervised: true }],
  ]);
  t.same(plan(wanted, known), [
    { kind: 'retire', name: 'b/retired.0' },
    { kind: 'adopt', name: 'b/adopted.0' },
    { kind: 'replace', name: 'b/changed.0' },
    { kind: 'keep', name: 'b/kept.0' },
    { kind: 'start', name: 'b/missing.0' },
    { kind: 'keep', name: 'b/waiting.0' },
  ]);
});

t.test('restart distance, failures and exits in words', async t => {
  t.equal(nextStartMs(100, 50, 1000), 1050);
  t.equal(nextStartMs(5000, 50, 1000), 5000);
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
