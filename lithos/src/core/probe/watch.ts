// The watch over one run, drawn in types.ts. Pure: times come in as arguments, questions go out as effects.
import { TIMES } from '../../config/defaults.ts';
import type { Probe } from '../desired/types.ts';
import { answered, asked, type Check, inWords, isUnwell, isWell, newCheck } from './check.ts';
import type { Notice } from './notice.ts';
import type { Question, Rules, Watch, WatchEffect, WatchEvent, WatchStep } from './types.ts';

type WatchOf<K extends Watch['kind']> = Extract<Watch, { kind: K }>;

const MAX_DOUBLINGS = 16;
const TRIGGERED = 'it says itself that it is sick (WATCHDOG=trigger)';

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function over(message: string): WatchStep {
  return { watch: { kind: 'over' }, effects: [{ kind: 'report', seen: { kind: 'sick', message } }] };
}

function stay(watch: Watch, ...effects: WatchEffect[]): WatchStep {
  return { watch, effects };
}

function readinessProbe({ readiness }: Rules): Probe | null {
  return readiness?.kind === 'probe' ? readiness.probe : null;
}

/** Those that are up already were started long ago or together with many: their first questions are spread. */
function firstQuestion(probe: Probe, rules: Rules, nowMs: number): Check {
  const afterStart = rules.startedMs + probe.initialDelayMs;
  return newCheck(probe, Math.max(nowMs, afterStart) + rules.jitter * probe.intervalMs);
}

function up(rules: Rules, readiness: Check | null, nowMs: number): WatchOf<'up'> {
  const { liveness, watchdogMs } = rules;
  return {
    kind: 'up',
    ready: true,
    readiness,
    liveness: liveness === null ? null : firstQuestion(liveness, rules, nowMs),
    watchdogDueMs: watchdogMs === null ? null : nowMs + watchdogMs,
  };
}

/** `ready`: it needs no readiness check, or had passed it before the supervisor was restarted. */
export function beginWatch(rules: Rules, ready: boolean, nowMs: number): Watch {
  const probe = readinessProbe(rules);
  if (ready) return up(rules, probe === null ? null : firstQuestion(probe, rules, nowMs), nowMs);
  const first = probe === null ? null : Math.max(nowMs, rules.startedMs + probe.initialDelayMs);
  return {
    kind: 'starting',
    deadlineMs: rules.startedMs + rules.startTimeoutMs,
    readiness: probe === null || first === null ? null : newCheck(probe, first),
  };
}

/** When `time` must come; null: never. */
export function nextTimeMs(watch: Watch): number | null {
  switch (watch.kind) {
    case 'starting':
      return Math.min(watch.deadlineMs, watch.readiness?.nextMs ?? watch.deadlineMs);
    case 'up': {
      const times = [watch.readiness?.nextMs, watch.liveness?.nextMs, watch.watchdogDueMs];
      const known = times.filter(time => typeof time === 'number');
      return known.length === 0 ? null : Math.min(...known);
    }
    case 'ending':
      return watch.deadlineMs;
    case 'over':
      return null;
  }
}

/** A start waits for it: asked quickly at first, then less and less often until the interval is reached. */
function startDelayMs(check: Check): number {
  const delayMs = TIMES.firstProbesMs * 2 ** Math.min(check.bads, MAX_DOUBLINGS);
  return Math.min(check.probe.intervalMs, delayMs);
}

function becameReady(rules: Rules, readiness: Check | null, nowMs: number): WatchStep {
  return stay(up(rules, readiness, nowMs), { kind: 'report', seen: { kind: 'ready' } });
}

function lateStart(rules: Rules, { readiness }: WatchOf<'starting'>): WatchStep {
  const why = readiness === null ? 'it has not said READY=1' : inWords(readiness);
  return over(`not ready within ${seconds(rules.startTimeoutMs)}: ${why}`);
}

function askIfDue(question: Question, check: Check | null, nowMs: number): [Check | null, WatchEffect[]] {
  if (check === null || check.nextMs === null || check.nextMs > nowMs) return [check, []];
  return [asked(check), [{ kind: 'ask', question, probe: check.probe }]];
}

/** Who waits for a start wants to know why: told after some bad answers, and again when they change. */
function stillNotReady(before: Check, { probe, bads, problem }: Check): WatchEffect[] {
  const isNews = bads === probe.failureThreshold || problem !== before.problem;
  if (bads < probe.failureThreshold || !isNews) return [];
  return [{ kind: 'report', seen: { kind: 'unready', message: `readiness: ${problem}` } }];
}

function starting(rules: Rules, watch: WatchOf<'starting'>, event: WatchEvent, nowMs: number): WatchStep {
  const { readiness } = watch;
  switch (event.kind) {
    case 'notice':
      if (event.notice.watchdog === 'trigger') return over(TRIGGERED);
      if (event.notice.stopping) return ending(rules, nowMs);
      return event.notice.ready && readiness === null ? becameReady(rules, null, nowMs) : stay(watch);
    case 'answer': {
      if (readiness === null || event.to !== 'readiness') return stay(watch);
      const next = answered(readiness, event.problem, nowMs, startDelayMs(readiness));
      if (isWell(next)) return becameReady(rules, next, nowMs);
      return stay({ ...watch, readiness: next }, ...stillNotReady(readiness, next));
    }
    case 'time': {
      if (nowMs >= watch.deadlineMs) return lateStart(rules, watch);
      const [next, ask] = askIfDue('readiness', readiness, nowMs);
      return stay({ ...watch, readiness: next }, ...ask);
    }
  }
}

function readinessAnswer(watch: WatchOf<'up'>, problem: string | null, nowMs: number): WatchStep {
  if (watch.readiness === null) return stay(watch);
  const readiness = answered(watch.readiness, problem, nowMs, watch.readiness.probe.intervalMs);
  if (watch.ready && isUnwell(readiness)) {
    const seen = { kind: 'unready', message: `readiness: ${inWords(readiness)}` } as const;
    return stay({ ...watch, readiness, ready: false }, { kind: 'report', seen });
  }
  if (!watch.ready && isWell(readiness))
    return stay({ ...watch, readiness, ready: true }, { kind: 'report', seen: { kind: 'ready' } });
  return stay({ ...watch, readiness });
}

function livenessAnswer(watch: WatchOf<'up'>, problem: string | null, nowMs: number): WatchStep {
  if (watch.liveness === null) return stay(watch);
  const liveness = answered(watch.liveness, problem, nowMs, watch.liveness.probe.intervalMs);
  return isUnwell(liveness) ? over(`liveness: ${inWords(liveness)}`) : stay({ ...watch, liveness });
}

function ending(rules: Rules, nowMs: number): WatchStep {
  const seen = { kind: 'unready', message: 'it says that it is stopping' } as const;
  return stay({ kind: 'ending', deadlineMs: nowMs + rules.stopTimeoutMs }, { kind: 'report', seen });
}

function noticed(rules: Rules, watch: WatchOf<'up'>, notice: Notice, nowMs: number): WatchStep {
  if (notice.watchdog === 'trigger') return over(TRIGGERED);
  if (notice.stopping) return ending(rules, nowMs);
  if (notice.watchdog === null || rules.watchdogMs === null) return stay(watch);
  return stay({ ...watch, watchdogDueMs: nowMs + rules.watchdogMs });
}

function timePassed(rules: Rules, watch: WatchOf<'up'>, nowMs: number): WatchStep {
  if (watch.watchdogDueMs !== null && nowMs >= watch.watchdogDueMs)
    return over(`watchdog: no WATCHDOG=1 within ${seconds(rules.watchdogMs ?? 0)}`);
  const [readiness, askReadiness] = askIfDue('readiness', watch.readiness, nowMs);
  const [liveness, askLiveness] = askIfDue('liveness', watch.liveness, nowMs);
  return stay({ ...watch, readiness, liveness }, ...askReadiness, ...askLiveness);
}

/** The next state and what to do. The same arguments always give the same step. */
export function stepWatch(rules: Rules, watch: Watch, event: WatchEvent, nowMs: number): WatchStep {
  switch (watch.kind) {
    case 'starting':
      return starting(rules, watch, event, nowMs);
    case 'up':
      if (event.kind === 'time') return timePassed(rules, watch, nowMs);
      if (event.kind === 'notice') return noticed(rules, watch, event.notice, nowMs);
      return event.to === 'readiness'
        ? readinessAnswer(watch, event.problem, nowMs)
        : livenessAnswer(watch, event.problem, nowMs);
    case 'ending':
      if (event.kind !== 'time' || nowMs < watch.deadlineMs) return stay(watch);
      return over(`it said STOPPING=1 but did not end within ${seconds(rules.stopTimeoutMs)}`);
    case 'over':
      return stay(watch);
  }
}
