// Whether a change is rolled out, and what is in force meanwhile.
import type { RolloutStatus } from '@suite/shared/wire/lithos.ts';
import type { DesiredInstance, RollingUpdate } from '../desired/types.ts';
import type { Rollout } from './types.ts';

export function sameFiles(a: readonly DesiredInstance[], b: readonly DesiredInstance[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function differs(a: DesiredInstance | undefined, b: DesiredInstance): boolean {
  return a !== undefined && a.identity !== b.identity;
}

/** Undefined: nothing that runs has to be replaced (or the sandbox wants no order in it), so all is done at once. */
export function beginRollout(
  inForce: readonly DesiredInstance[],
  wanted: readonly DesiredInstance[],
  policy: RollingUpdate | null,
): Rollout | undefined {
  const [first] = wanted;
  const before = new Map(inForce.map(each => [each.name, each]));
  const changed = wanted.some(target => differs(before.get(target.name), target));
  if (policy === null || first === undefined || !changed) return undefined;
  const { sandbox, process } = first;
  const fresh = { way: 'forward', state: 'rolling', asked: {}, lost: [], message: null } as const;
  return { sandbox, process, policy, previous: inForce, next: wanted, ...fresh };
}

export interface Divided {
  /** To be in force now. */
  readonly now: readonly DesiredInstance[];
  /** New ones, made when it is their turn. */
  readonly held: readonly DesiredInstance[];
  /** The roll-out, knowing which of its instances have been told already. */
  readonly rollout: Rollout;
}

/**
 * Where a roll-out stands when the configuration is (again) applied. `identityOf`: what each instance runs or is
 * configured with; undefined when there is no such instance. Also after the supervisor was killed in the middle.
 */
export function divide(
  rollout: Rollout,
  identityOf: (name: string) => string | undefined,
  nowMs: number,
): Divided {
  const { way, previous, next, state } = rollout;
  const [target, other] = way === 'forward' ? [next, previous] : [previous, next];
  const over = state === 'done' || state === 'rolled-back' || (state === 'failed' && way === 'back');
  if (over) return { now: target, held: [], rollout };
  const others = new Map(other.map(each => [each.name, each]));
  const now: DesiredInstance[] = [];
  const held: DesiredInstance[] = [];
  const asked: Record<string, number | null> = {};
  for (const wanted of target) {
    const { name, identity } = wanted;
    const old = others.get(name);
    others.delete(name);
    const has = identityOf(name);
    if (old?.identity === identity) now.push(wanted);
    else if (old !== undefined && has === old.identity) now.push(old);
    else if (old === undefined && has === undefined && state === 'rolling') held.push(wanted);
    else {
      now.push(wanted);
      asked[name] = rollout.asked[name] ?? nowMs;
    }
  }
  // On the way forward the surplus of the old goes at the end; on the way back the new ones are gone already.
  if (way === 'forward') now.push(...others.values());
  return { now, held, rollout: { ...rollout, asked } };
}

export function rolloutStatus({
  sandbox,
  process,
  way,
  state,
  asked,
  previous,
  next,
  message,
}: Rollout): RolloutStatus {
  const other = new Map((way === 'forward' ? previous : next).map(each => [each.name, each.identity]));
  const target = way === 'forward' ? next : previous;
  const changed = target.filter(({ name, identity }) => other.get(name) !== identity);
  const settled = changed.filter(({ name }) => asked[name] === null).length;
  const done = state === 'done' || state === 'rolled-back' ? changed.length : settled;
  return { sandbox, process, state, done, total: changed.length, message };
}
