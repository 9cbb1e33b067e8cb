import t from 'tap';
import { LIMITS, TIMES } from '../../src/config/defaults.ts';
import type { Probe } from '../../src/core/desired/types.ts';
import { type Notice, parseNotice } from '../../src/core/probe/notice.ts';
import type { Rules, Watch, WatchEvent } from '../../src/core/probe/types.ts';
import { beginWatch, nextTimeMs, stepWatch } from '../../src/core/probe/watch.ts';

const SILENT: Notice = { ready: false, stopping: false, watchdog: null, status: null };

function probe(more: Partial<Probe> = {}): Probe {
  return {
    test: { kind: 'tcp', port: 80 },
    initialDelayMs: 0,
    intervalMs: 1000,
    timeoutMs: 500,
    successThreshold: 1,
    failureThreshold: 3,
    ...more,
  };
}

function rules(more: Partial<Rules> = {}): Rules {
  return {
    readiness: null,
    liveness: null,
    watchdogMs: null,
    startTimeoutMs: 60_000,
    stopTimeoutMs: 5_000,
    startedMs: 0,
    jitter: 0,
    ...more,
  };
}

/** Plays a watch: the clock jumps from one wake to the next, and `answers` says what a question asked at that time gets. */
class Play {
  readonly said: string[] = [];
  readonly askedMs: number[] = [];
  watch: Watch;
  nowMs: number;
  private readonly rules: Rules;
  private readonly answers: (question: string, nowMs: number) => string | null;

  constructor(
    given: Rules,
    answers: (question: string, nowMs: number) => string | null = () => null,
    ready = false,
  ) {
    this.rules = given;
    this.answers = answers;
    this.nowMs = given.startedMs;
    this.watch = beginWatch(given, ready, this.nowMs);
  }

  event(event: WatchEvent): void {
    const step = stepWatch(this.rules, this.watch, event, this.nowMs);
    this.watch = step.watch;
    for (const effect of step.effects) {
      if (effect.kind === 'report') {
        const words = 'message' in effect.seen ? `: ${effect.seen.message}` : '';
        this.said.push(`${this.nowMs} ${effect.seen.kind}${words}`);
        continue;
      }
      this.askedMs.push(this.nowMs);
      this.event({ kind: 'answer', to: effect.question, problem: this.answers(effect.question, this.nowMs) });
    }
  }

  notice(more: Partial<Notice>): void {
    this.event({ kind: 'notice', notice: { ...SILENT, ...more } });
  }

  until(endMs: number): string[] {
    for (let next = nextTimeMs(this.watch); next !== null && next <= endMs; next = nextTimeMs(this.watch)) {
      this.nowMs = next;
      this.event({ kind: 'time' });
    }
    this.nowMs = endMs;
    return this.said;
  }
}

t.test('readiness by notify: ready when it says so, sick when it does not in time', async t => {
  const given = rules({ readiness: { kind: 'notify' }, startTimeoutMs: 2000 });
  const good = new Play(given);
  good.until(1000);
  good.notice({ status: 'loading' });
  good.notice({ ready: true });
  good.notice({ ready: true });
  t.strictSame(good.until(100_000), ['1000 ready']);
  t.strictSame(new Play(given).until(100_000), ['2000 sick: not ready within 2 s: it has not said READY=1']);
  const adopted = new Play({ ...given, startedMs: -5000 }, undefined, true);
  t.strictSame(
    adopted.until(100_000),
    [],
    'one that was ready before the supervisor was restarted stays ready',
  );
});

t.test('readiness by questions: quick looks at first, thresholds, lost and found again', async t => {
  const well = (ms: number) => (ms > 3000 && ms < 10_000) || ms > 20_000;
  const play = new Play(
    rules({ readiness: { kind: 'probe', probe: probe({ successThreshold: 2 }) } }),
    (_question, ms) => (well(ms) ? null : 'refused'),
  );
  const said = play.until(30_000);
  const first = TIMES.firstProbesMs;
  t.strictSame(play.askedMs.slice(0, 5), [0, first, 3 * first, 7 * first, 15 * first], 'ever less often');
  t.equal(said[0], `${3 * first} unready: readiness: refused`, 'why it is not ready yet');
  t.match(said[1], /^(3|4|5)\d\d\d ready$/);
  t.match(said[2], /^1[123]\d\d\d unready: readiness: refused \(3 times in a row\)$/);
  t.match(said[3], /^2[123]\d\d\d ready$/);
  t.equal(said.length, 4);
  const gaps = play.askedMs.slice(6).map((ms, index) => ms - (play.askedMs[index + 5] as number));
  t.ok(
    gaps.every(gap => gap <= 1000),
    'never more seldom than configured',
  );
});

t.test('readiness by questions: never ready is sick, with the last answer', async t => {
  const given = rules({
    readiness: { kind: 'probe', probe: probe({ initialDelayMs: 700 }) },
    startTimeoutMs: 5000,
  });
  const play = new Play(given, (_question, ms) => (ms < 3000 ? 'port 80: ECONNREFUSED' : 'HTTP 503'));
  const said = play.until(60_000);
  t.match(said[0], /^1\d\d\d unready: readiness: port 80: ECONNREFUSED$/);
  t.match(said[1], /^3\d\d\d unready: readiness: HTTP 503$/, 'told again when it is another reason');
  t.equal(said.length, 3);
  t.match(said[2], /^5000 sick: not ready within 5 s: HTTP 503 \(\d+ times in a row\)$/);
  t.equal(play.askedMs[0], 700, 'not before its initial delay');
  const asked = play.askedMs.length;
  play.until(600_000);
  t.equal(play.askedMs.length, asked, 'nothing is asked after the verdict');
});

t.test('liveness: begins when it is ready, needs failures in a row', async t => {
  const given = rules({ readiness: { kind: 'notify' }, liveness: probe({ initialDelayMs: 3000 }) });
  const bad = (ms: number) => (ms >= 5000 && ms < 7000) || ms >= 20_000;
  const play = new Play(given, (_question, ms) => (bad(ms) ? 'status 500' : null));
  play.until(2000);
  t.strictSame(play.askedMs, [], 'not before it is ready');
  play.notice({ ready: true });
  t.strictSame(play.until(60_000), ['2000 ready', '22000 sick: liveness: status 500 (3 times in a row)']);
  t.equal(play.askedMs[0], 3000);
  const early = new Play(rules({ liveness: probe() }), () => 'x', true);
  t.strictSame(
    early.until(9000),
    ['2000 sick: liveness: x (3 times in a row)'],
    'at once without a readiness check',
  );
});

t.test('watchdog: fed, hungry, triggered', async t => {
  const given = rules({ watchdogMs: 1000 });
  const play = new Play(given, undefined, true);
  for (let ms = 0; ms < 5000; ms += 900) {
    play.until(ms);
    play.notice({ watchdog: 'alive' });
  }
  t.strictSame(play.until(60_000), ['5500 sick: watchdog: no WATCHDOG=1 within 1 s']);
  const sick = new Play(given, undefined, true);
  sick.notice({ watchdog: 'trigger' });
  t.strictSame(sick.said, ['0 sick: it says itself that it is sick (WATCHDOG=trigger)']);
  const starting = new Play({ ...given, readiness: { kind: 'notify' } });
  t.strictSame(starting.until(30_000), [], 'not while it starts');
});

t.test('STOPPING=1: not ready any more, not asked any more, but it has to come to its end', async t => {
  const play = new Play(rules({ liveness: probe(), watchdogMs: 1000 }), () => 'x', true);
  play.notice({ stopping: true });
  t.strictSame(play.until(60_000), [
    '0 unready: it says that it is stopping',
    '5000 sick: it said STOPPING=1 but did not end within 5 s',
  ]);
  t.strictSame(play.askedMs, []);
});

t.test('two hundred that are adopted together are not asked together', async t => {
  const liveness = probe({ intervalMs: 10_000 });
  const first = Array.from({ length: 200 }, (_, index) => {
    const play = new Play(rules({ liveness, startedMs: -60_000, jitter: index / 200 }), undefined, true);
    return nextTimeMs(play.watch) as number;
  });
  const perSecond = Array.from(
    { length: 10 },
    (_, second) =>
      first.filter(ms => ms >= -60_000 + second * 1000 && ms < -60_000 + (second + 1) * 1000).length,
  );
  t.strictSame(
    perSecond,
    Array.from({ length: 10 }, () => 20),
  );
});

t.test('any order of events: one verdict at most, the last word', async t => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const events: WatchEvent[] = [
    { kind: 'time' },
    { kind: 'notice', notice: { ...SILENT, ready: true } },
    { kind: 'notice', notice: { ...SILENT, watchdog: 'alive' } },
    { kind: 'notice', notice: { ...SILENT, stopping: true } },
    { kind: 'answer', to: 'readiness', problem: null },
    { kind: 'answer', to: 'readiness', problem: 'x' },
    { kind: 'answer', to: 'liveness', problem: null },
    { kind: 'answer', to: 'liveness', problem: 'x' },
  ];
  const readinesses = [null, { kind: 'notify' }, { kind: 'probe', probe: probe() }] as const;
  const wrong: string[] = [];
  for (let round = 0; round < 5000; round++) {
    const readiness = readinesses[random(3)] ?? null;
    const given = rules({
      readiness,
      liveness: random(2) ? probe() : null,
      watchdogMs: random(2) ? 3000 : null,
    });
    const play = new Play(given, () => (random(3) === 0 ? 'x' : null), readiness === null);
    for (let count = 0; count < 40; count++) {
      play.nowMs += random(1500);
      play.event(events[random(random(4) === 0 ? events.length : 1)] as WatchEvent);
    }
    const kinds = play.said.map(line => line.split(/[ :]+/)[1]);
    const sicks = kinds.filter(kind => kind === 'sick').length;
    const repeated = kinds.some((kind, index) => kind === 'ready' && kinds[index - 1] === 'ready');
    if (sicks > 1 || repeated || (sicks === 1 && kinds.at(-1) !== 'sick')) wrong.push(play.said.join('; '));
  }
  t.strictSame(wrong, []);
});

t.test('what a program says is read with care', async t => {
  t.strictSame(parseNotice('READY=1\nSTATUS=Listening on 80\nMAINPID=4'), {
    ...SILENT,
    ready: true,
    status: 'Listening on 80',
  });
  t.strictSame(parseNotice('WATCHDOG=1'), { ...SILENT, watchdog: 'alive' });
  t.strictSame(parseNotice('WATCHDOG=trigger\nWATCHDOG=1').watchdog, 'trigger');
  t.strictSame(parseNotice('STOPPING=1\nERRNO=12'), {
    ...SILENT,
    stopping: true,
    status: 'failed with errno 12',
  });
  t.equal(
    parseNotice(`STATUS=a\u0007\u001b[31mb\r${'ü'.repeat(1000)}`).status?.length,
    LIMITS.noticeStatusMax,
  );
  t.notMatch(parseNotice('STATUS=a\u0007\u001b[31mb').status, /\p{Cc}/u, 'no control characters');
  for (const text of [
    '',
    '=',
    '\0\0',
    'READY',
    'READY=0',
    'ready=1',
    ' READY=1',
    'ERRNO=x',
    '\n\n',
    '\ufffd=1',
  ])
    t.strictSame(parseNotice(text), SILENT, JSON.stringify(text));
});
