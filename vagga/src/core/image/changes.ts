// What differs between two records of one container: steps that came, went or changed.
import { type Detail, entryDetails, fieldDetails, listDetails } from './details.ts';
import type { IdentityRecord, RecordedStep } from './record.ts';

export interface StepChange {
  readonly kind: 'changed' | 'added' | 'removed';
  readonly title: string;
  /** `FILE:LINE` of the config; of a removed step, where it stood. */
  readonly at: string;
  readonly details: readonly Detail[];
  /** In the container that the step names. */
  readonly within: readonly StepChange[];
}

/** Where the step stands and what it is called are no part of it: a comment added above it changes nothing. */
function comparable({ title: _, at: __, fields = [], steps = [], ...rest }: RecordedStep): unknown {
  return [fields.map(([key, value]) => [key, value]), steps.map(keyOf), rest];
}

const keyOf = (step: RecordedStep): string => `${tagOf(step)} ${JSON.stringify(comparable(step))}`;
const tagOf = ({ title }: RecordedStep): string => title.split(' ', 1)[0] as string;

/** Lengths of the longest common subsequences of all ends of the two lists. */
function commonLengths(left: readonly string[], right: readonly string[]): number[][] {
  const lengths = Array.from({ length: left.length + 1 }, () => new Array<number>(right.length + 1).fill(0));
  for (let a = left.length - 1; a >= 0; a--) {
    for (let b = right.length - 1; b >= 0; b--) {
      const [row = [], next = []] = [lengths[a], lengths[a + 1]];
      row[b] = left[a] === right[b] ? (next[b + 1] ?? 0) + 1 : Math.max(next[b] ?? 0, row[b + 1] ?? 0);
    }
  }
  return lengths;
}

interface Run {
  readonly gone: RecordedStep[];
  readonly come: RecordedStep[];
}

/** Stretches of steps that differ, between steps that are the same. */
function differing(before: readonly RecordedStep[], after: readonly RecordedStep[]): Run[] {
  const [left, right] = [before.map(keyOf), after.map(keyOf)];
  const lengths = commonLengths(left, right);
  const runs: Run[] = [];
  let run: Run = { gone: [], come: [] };
  let [a, b] = [0, 0];
  while (a < before.length || b < after.length) {
    if (a < before.length && b < after.length && left[a] === right[b]) {
      if (run.gone.length + run.come.length > 0) runs.push(run);
      run = { gone: [], come: [] };
      a++;
      b++;
    } else if (
      b >= after.length ||
      (a < before.length && (lengths[a + 1]?.[b] ?? 0) >= (lengths[a]?.[b + 1] ?? 0))
    )
      run.gone.push(before[a++] as RecordedStep);
    else run.come.push(after[b++] as RecordedStep);
  }
  return run.gone.length + run.come.length > 0 ? [...runs, run] : runs;
}

const whole = (kind: 'added' | 'removed', { title, at }: RecordedStep): StepChange => ({
  kind,
  title,
  at,
  details: [],
  within: [],
});

/** Steps with the same tag in one stretch are the same step, changed. */
function changesOf({ gone, come }: Run): StepChange[] {
  const rest = [...gone];
  const changes = come.map(step => {
    const index = rest.findIndex(other => tagOf(other) === tagOf(step));
    const [old] = index < 0 ? [] : rest.splice(index, 1);
    return old === undefined ? whole('added', step) : changed(old, step);
  });
  return [...rest.map(step => whole('removed', step)), ...changes];
}

function changed(old: RecordedStep, step: RecordedStep): StepChange {
  const { title, at } = step;
  const details = [
    ...entryDetails(old.entries ?? [], step.entries ?? []),
    ...fieldDetails(old.fields ?? [], step.fields ?? []),
    ...listDetails(old.lists ?? [], step.lists ?? []),
  ];
  return { kind: 'changed', title, at, details, within: stepChanges(old.steps ?? [], step.steps ?? []) };
}

function stepChanges(before: readonly RecordedStep[], after: readonly RecordedStep[]): StepChange[] {
  return differing(before, after).flatMap(changesOf);
}

/** In the order of the steps; the first is where a build goes on. */
export function recordChanges(before: IdentityRecord, after: IdentityRecord): StepChange[] {
  const lists = listDetails(before.lists, after.lists);
  const own: StepChange[] =
    lists.length === 0 ? [] : [{ kind: 'changed', title: 'container', at: '', details: lists, within: [] }];
  return [...own, ...stepChanges(before.steps, after.steps)];
}
