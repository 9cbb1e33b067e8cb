// One look at a roll-out that is going on: who is settled, who has failed, who is next.
import { ROLLOUT, TIMES } from '../../config/defaults.ts';
import type { DesiredInstance } from '../desired/types.ts';
import { currentRun, isReady, isSettled } from '../instance/facts.ts';
import { describeExit } from '../restart/exit.ts';
import type { Move, Rollout, RolloutStep, Seen } from './types.ts';

function targets({ way, next, previous }: Rollout): readonly DesiredInstance[] {
  return way === 'forward' ? next : previous;
}

function settled(seen: Seen, target: DesiredInstance, nowMs: number): boolean {
  const instance = seen(target.name);
  if (instance === undefined || currentRun(instance)?.identity !== target.identity) return false;
  return isSettled(instance, TIMES.settleMs, nowMs);
}

function isHeld(seen: Seen, name: string): boolean {
  return seen(name)?.state.kind === 'held';
}

/** Its time does not run while its old program is being stopped, which has a limit of its own, or `after:` holds it. */
function isKeptWaiting(seen: Seen, { name, identity }: DesiredInstance): boolean {
  const state = seen(name)?.state;
  return isHeld(seen, name) || (state?.kind === 'stopping' && state.run.identity !== identity);
}

/** Since when each asked one is not settled, as of now. */
function observed(rollout: Rollout, seen: Seen, nowMs: number): Rollout['asked'] {
  const sinceMs = (target: DesiredInstance) => {
    if (settled(seen, target, nowMs)) return null;
    return isKeptWaiting(seen, target) ? nowMs : (rollout.asked[target.name] ?? nowMs);
  };
  const known = targets(rollout).filter(({ name }) => name in rollout.asked);
  return Object.fromEntries(known.map(target => [target.name, sinceMs(target)]));
}

/** Why the new configuration of this one is given up; undefined while there is hope. */
function verdict(
  { policy }: Rollout,
  name: string,
  sinceMs: number,
  seen: Seen,
  nowMs: number,
): string | undefined {
  const instance = seen(name);
  const why = instance?.problem ?? (instance?.lastExit && describeExit(instance.lastExit));
  const because = why === undefined ? '' : `: ${why}`;
  if (instance?.state.kind === 'failed') return `${name} has failed${because}`;
  if ((instance?.row ?? 0) >= ROLLOUT.failures) return `${name} fails again and again${because}`;
  if (nowMs - sinceMs >= policy.timeoutMs)
    return `${name} did not become healthy within ${policy.timeoutMs / 1000} s${because}`;
  return undefined;
}

/** Not told yet, and not as it should be. */
function pendingOf(rollout: Rollout, seen: Seen): DesiredInstance[] {
  return targets(rollout).filter(({ name, identity }) => {
    if (name in rollout.asked || rollout.lost.includes(name)) return false;
    return isHeld(seen, name) || seen(name)?.desired?.identity !== identity;
  });
}

/** Who may be told now. Those that are away anyway come first: replacing them costs nobody anything. */
function picks(rollout: Rollout, pending: readonly DesiredInstance[], seen: Seen): DesiredInstance[] {
  const isUp = ({ name }: DesiredInstance) => {
    const instance = seen(name);
    return instance !== undefined && isReady(instance);
  };
  // One that waits for others to be ready takes nothing away.
  const flying = Object.entries(rollout.asked).filter(
    ([name, since]) => since !== null && !isHeld(seen, name),
  );
  const order = [...pending].sort((a, b) => Number(isUp(a)) - Number(isUp(b)));
  return order.slice(0, Math.max(0, rollout.policy.maxUnavailable - flying.length));
}

function retireAll(gone: readonly DesiredInstance[], stay: readonly DesiredInstance[], seen: Seen): Move[] {
  const kept = new Set(stay.map(({ name }) => name));
  const surplus = gone.filter(({ name }) => !kept.has(name) && seen(name) !== undefined);
  return surplus.map(({ name }) => ({ kind: 'retire', name }));
}

function finished(rollout: Rollout, seen: Seen): RolloutStep {
  const { way, previous, next, lost } = rollout;
  if (way === 'forward')
    return { rollout: { ...rollout, state: 'done' }, moves: retireAll(previous, next, seen), wakeAtMs: null };
  const moves = retireAll(next, previous, seen);
  if (lost.length === 0) return { rollout: { ...rollout, state: 'rolled-back' }, moves, wakeAtMs: null };
  const message = `${rollout.message}; after the return these are not healthy: ${lost.join(', ')}`;
  return { rollout: { ...rollout, state: 'failed', message }, moves, wakeAtMs: null };
}

function turnBack(rollout: Rollout, message: string, seen: Seen, nowMs: number): RolloutStep {
  if (!rollout.policy.rollBack)
    return { rollout: { ...rollout, state: 'failed', message }, moves: [], wakeAtMs: null };
  // Instances that exist only in the new configuration go at once: they cost nobody anything.
  const retired = retireAll(rollout.next, rollout.previous, seen);
  const back = stepRollout({ ...rollout, way: 'back', asked: {}, lost: [], message }, seen, nowMs);
  return { ...back, moves: [...retired, ...back.moves.filter(({ kind }) => kind !== 'retire')] };
}

function nextLook(rollout: Rollout, seen: Seen): number | null {
  const times = Object.entries(rollout.asked).flatMap(([name, since]) => {
    if (since === null) return [];
    const state = seen(name)?.state;
    const readyMs = state?.kind === 'running' ? state.readySinceMs : null;
    return [since + rollout.policy.timeoutMs, ...(readyMs === null ? [] : [readyMs + TIMES.settleMs])];
  });
  return times.length === 0 ? null : Math.min(...times);
}

/** Pure: the same roll-out, instances and time always give the same step. Only a rolling one moves. */
export function stepRollout(before: Rollout, seen: Seen, nowMs: number): RolloutStep {
  if (before.state !== 'rolling') return { rollout: before, moves: [], wakeAtMs: null };
  let rollout: Rollout = { ...before, asked: observed(before, seen, nowMs) };
  for (const [name, since] of Object.entries(rollout.asked)) {
    const why = since === null ? undefined : verdict(rollout, name, since, seen, nowMs);
    if (why === undefined) continue;
    if (rollout.way === 'forward') return turnBack(rollout, why, seen, nowMs);
    // Nothing better is known than what it had: the others shall have it back all the same.
    const { [name]: _given, ...asked } = rollout.asked;
    rollout = { ...rollout, asked, lost: [...rollout.lost, name] };
  }
  const pending = pendingOf(rollout, seen);
  const chosen = picks(rollout, pending, seen);
  const asked = { ...rollout.asked, ...Object.fromEntries(chosen.map(({ name }) => [name, nowMs])) };
  rollout = { ...rollout, asked };
  if (pending.length === 0 && Object.values(asked).every(since => since === null))
    return finished(rollout, seen);
  const moves = chosen.map((desired): Move => ({ kind: 'configure', desired }));
  return { rollout, moves, wakeAtMs: nextLook(rollout, seen) };
}
