// Functions of a rule, applied left to right. Empty and Incompatible pass through unchanged.
import type { IncompatibleReason, MetricKey, SeriesFunction, TipValue } from '@suite/shared/wire/cantal.ts';
import { textOf } from '../history/slots.ts';
import type { Answer, Series } from './dataset.ts';

const incompatible = (reason: IncompatibleReason): Answer => ({ type: 'Incompatible', reason });

/** Per-second rates; a counter that went down was reset and has no rate at that step (gauges may well go down). */
function rates(series: Series, timestamps: readonly number[]): Series {
  const { values } = series;
  const out = new Float64Array(Math.max(0, values.length - 1));
  for (let index = 0; index < out.length; index++) {
    const change = (values[index] as number) - (values[index + 1] as number);
    const seconds = ((timestamps[index] as number) - (timestamps[index + 1] as number)) / 1000;
    out[index] = series.kind === 'Counter' && change < 0 ? Number.NaN : change / seconds;
  }
  return { key: series.key, kind: 'Float', values: out };
}

function derive(answer: Answer): Answer {
  if (answer.type === 'SingleSeries') {
    return {
      ...answer,
      timestamps: answer.timestamps.slice(0, -1),
      series: rates(answer.series, answer.timestamps),
    };
  }
  if (answer.type !== 'MultiSeries') return incompatible('CantDerive');
  const series = answer.series.map(item => rates(item, answer.timestamps));
  return { type: 'MultiSeries', timestamps: answer.timestamps.slice(0, -1), series };
}

/** Missing points count as absent: the sum of those present, none only if all are missing. */
function addSeries(list: readonly Series[], key: MetricKey): Series {
  const [first] = list as [Series];
  const values = first.values.slice();
  for (const { values: others } of list.slice(1)) {
    for (let index = 0; index < values.length; index++) {
      const other = others[index] as number;
      if (Number.isNaN(other)) continue;
      const sum = values[index] as number;
      values[index] = Number.isNaN(sum) ? other : sum + other;
    }
  }
  return { key, kind: first.kind, values };
}

function sameKind(list: readonly { readonly kind: string }[]): boolean {
  return list.every(item => item.kind === list[0]?.kind);
}

/** Why these tips cannot be added, undefined when they can. */
function tipConflict(tips: readonly TipValue[]): IncompatibleReason | undefined {
  if (!sameKind(tips)) return 'Dissimilar';
  if (tips[0]?.kind === 'State') return 'CantSumStates';
  const [newer, older] = tips[0]?.timestamps ?? [];
  const same = tips.every(tip => tip.timestamps[0] === newer && tip.timestamps[1] === older);
  return same ? undefined : 'CantSumTimestamps';
}

function addTips(tips: readonly TipValue[], key: MetricKey): TipValue {
  const [first] = tips as [TipValue];
  return { ...first, key, value: tips.reduce((sum, tip) => sum + (tip.value as number), 0) };
}

function sum(answer: Answer): Answer {
  if (answer.type === 'MultiSeries') {
    const [only, second] = answer.series;
    if (only === undefined) return { type: 'Empty' };
    if (!sameKind(answer.series)) return incompatible('Dissimilar');
    const series = second === undefined ? only : addSeries(answer.series, {});
    return { type: 'SingleSeries', timestamps: answer.timestamps, series };
  }
  if (answer.type === 'MultiTip') {
    const [only, second] = answer.tips;
    if (only === undefined) return { type: 'Empty' };
    if (second === undefined) return { type: 'SingleTip', tip: only };
    const conflict = tipConflict(answer.tips);
    return conflict === undefined
      ? { type: 'SingleTip', tip: addTips(answer.tips, {}) }
      : incompatible(conflict);
  }
  return answer;
}

/** Items by the text of one label; those without the label vanish. */
function byLabel<T extends { readonly key: MetricKey }>(
  items: readonly T[],
  label: string,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = textOf(item.key, label);
    if (text === undefined) continue;
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [item]);
    else group.push(item);
  }
  return groups;
}

function grouped<T extends { readonly key: MetricKey }>(
  items: readonly T[],
  label: string,
  total: boolean,
  add: (list: readonly T[], key: MetricKey) => T,
): T[] {
  const groups = byLabel(items, label);
  const sums = [...groups].map(([text, list]) => add(list, { [label]: text }));
  return total && groups.size > 1 ? [...sums, add([...groups.values()].flat(), {})] : sums;
}

function sumBy(answer: Answer, label: string, total: boolean): Answer {
  if (answer.type === 'MultiSeries') {
    const series = answer.series.filter(item => textOf(item.key, label) !== undefined);
    if (!sameKind(series)) return incompatible('Dissimilar');
    return { ...answer, series: grouped(series, label, total, addSeries) };
  }
  if (answer.type === 'MultiTip') {
    const tips = answer.tips.filter(tip => textOf(tip.key, label) !== undefined);
    const conflict = tipConflict(tips);
    return conflict === undefined
      ? { ...answer, tips: grouped(tips, label, total, addTips) }
      : incompatible(conflict);
  }
  return answer;
}

export function applyFunction(answer: Answer, step: SeriesFunction): Answer {
  if (answer.type === 'Empty' || answer.type === 'Incompatible') return answer;
  switch (step[0]) {
    case 'NonNegativeDerivative':
      return derive(answer);
    case 'Sum':
      return sum(answer);
    case 'SumBy':
      return sumBy(answer, step[1], step[3]);
  }
}
