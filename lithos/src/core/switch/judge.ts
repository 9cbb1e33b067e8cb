// How far the configuration of a sandbox is rolled out, told from the tree's status alone.
import type { InstanceStatus, RolloutStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import { TIMES } from '../../config/defaults.ts';
import { describeState } from '../instance/words.ts';

export interface Wanted {
  readonly name: string;
  readonly identity: string;
}

export type Judgement =
  | { readonly kind: 'going'; readonly done: number; readonly total: number; readonly words: string }
  | { readonly kind: 'done'; readonly total: number }
  /** `inForce`: whether the new configuration is what the tree goes on with. */
  | { readonly kind: 'failed'; readonly message: string; readonly inForce: boolean };

function present(status: TreeStatus, sandbox: string): InstanceStatus[] {
  return status.instances.filter(({ name }) => name.startsWith(`${sandbox}/`));
}

/**
 * A file that is in place by now is in force when the tree has read its configuration more often than this. A tree that
 * has said nothing yet is at its first reading.
 */
export function readingsBefore(status: Pick<TreeStatus, 'reloads' | 'reading'> | undefined): number {
  if (status === undefined) return 1;
  return status.reading === true ? status.reloads + 1 : status.reloads;
}

/** Every instance is known with this configuration, and there is no other. */
export function isKnown(status: TreeStatus, sandbox: string, wanted: readonly Wanted[]): boolean {
  const found = new Map(present(status, sandbox).map(({ name, identity }) => [name, identity]));
  return found.size === wanted.length && wanted.every(({ name, identity }) => found.get(name) === identity);
}

/**
 * Most broken versions fail at once: what counts is having been well for a moment. `nowMs`: wall clock; whoever will be
 * ready in an hour is so already, and the clock was set back.
 */
export function isSettled({ state, readyWallMs }: InstanceStatus, nowMs: number): boolean {
  return state === 'running' && Math.abs(nowMs - (readyWallMs ?? nowMs)) >= TIMES.settleMs;
}

/** Fails, or has failed; and not because somebody asked it to stop. */
export function isUnwell({ state, reason, problem, lastExit }: InstanceStatus): boolean {
  if (state === 'failed' || reason === 'back-off') return true;
  if (state === 'running') return problem !== null;
  return (state === 'waiting' || state === 'starting') && (problem !== null || lastExit?.requested === false);
}

/** Its configuration is not what was wanted: a roll-out of an earlier change says nothing about this one. */
function concerns(rollout: RolloutStatus, open: readonly string[]): boolean {
  return open.some(name => name.startsWith(`${rollout.sandbox}/${rollout.process}.`));
}

function failure(
  status: TreeStatus,
  rollouts: readonly RolloutStatus[],
  open: readonly string[],
): Judgement | undefined {
  const ended = rollouts.find(({ state }) => state === 'rolled-back' || state === 'failed');
  if (ended !== undefined) {
    const what =
      ended.state === 'failed' ? 'the roll-out failed' : 'the tree went back to the previous configuration';
    const message = `${ended.process}: ${what}${ended.message === null ? '' : `: ${ended.message}`}`;
    return { kind: 'failed', message, inForce: ended.state === 'failed' };
  }
  const rolling = rollouts.some(({ state }) => state === 'rolling');
  const given = status.instances.find(({ name, state }) => state === 'failed' && open.includes(name));
  // While it rolls the tree itself decides what becomes of it.
  if (given === undefined || rolling) return undefined;
  return { kind: 'failed', message: `${given.name} ${given.problem ?? 'has failed'}`, inForce: true };
}

export function judge(
  status: TreeStatus,
  sandbox: string,
  wanted: readonly Wanted[],
  nowMs: number,
): Judgement {
  const refused = status.sandboxes.find(({ name, ok }) => name === sandbox && !ok);
  if (refused !== undefined)
    return { kind: 'failed', message: refused.errors[0] ?? 'the tree found errors', inForce: false };
  const found = new Map(present(status, sandbox).map(instance => [instance.name, instance]));
  const identities = new Map(wanted.map(({ name, identity }) => [name, identity]));
  const open = wanted.flatMap(({ name, identity }) => {
    const instance = found.get(name);
    return instance?.identity === identity && isSettled(instance, nowMs) ? [] : [name];
  });
  const surplus = [...found.keys()].filter(name => !identities.has(name));
  const total = wanted.length;
  const rolling = status.rollouts.some(each => each.sandbox === sandbox && each.state === 'rolling');
  if (open.length === 0 && surplus.length === 0 && !rolling) return { kind: 'done', total };
  const rollouts = status.rollouts.filter(each => each.sandbox === sandbox && concerns(each, open));
  const failed = failure(status, rollouts, open);
  if (failed !== undefined) return failed;
  const [next] = [...open, ...surplus].map(name => found.get(name));
  const words = next === undefined ? '' : `${next.name} ${describeState(next, nowMs)}`;
  return { kind: 'going', done: total - open.length, total, words };
}
