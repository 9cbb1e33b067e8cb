// From the history to series or tips: the `series` and `extract` parts of a rule.
import { CANTAL_LIMITS, type QueryRule, type TipValue } from '@suite/shared/wire/cantal.ts';
import type { History } from '../history/history.ts';
import type { HistoryReader } from '../history/reader.ts';
import { type Field, fieldKey, type Group, labelOf, textOf } from '../history/slots.ts';
import type { Tips } from '../history/tips.ts';
import { compileCondition, type Selects } from './condition.ts';
import type { Answer } from './dataset.ts';
import { QueryError } from './parse.ts';
import { SLICE_POINTS, type Sliced, type Work } from './work.ts';

interface Selected {
  readonly group: Group;
  readonly field: Field;
  readonly slot: number;
}

/** Groups looked at between two yields; each costs about a microsecond per condition. */
const SLICE_GROUPS = 256;

function* select(history: History, selects: Selects, work: Work): Sliced<Selected[]> {
  const found: Selected[] = [];
  let looked = 0;
  for (const group of history.slots.groups) {
    if (++looked % SLICE_GROUPS === 0) yield;
    for (const [index, field] of group.fields.entries()) {
      if (selects(label => labelOf(group, field, label)))
        found.push({ group, field, slot: group.first + index });
      if (work.due) yield;
    }
  }
  if (found.length > CANTAL_LIMITS.seriesPerAnswer) {
    throw new QueryError(
      `the rule selects ${found.length} series`,
      `narrow the condition to ${CANTAL_LIMITS.seriesPerAnswer} series`,
    );
  }
  return found;
}

function tips(history: History, selected: readonly Selected[]): Answer {
  const found = selected.flatMap(({ group, field, slot }): TipValue[] => {
    const tip = history.tip(slot);
    if (tip === undefined) return [];
    const timestamps = [tip.timestampMs, tip.timestampMs] as const;
    return [{ key: fieldKey(group, field), kind: field.kind, value: tip.value, timestamps }];
  });
  return { type: 'MultiTip', tips: found };
}

/** The columns of all selected series over the same scans, although scans go on while they are read. */
function* columns(reader: HistoryReader, selected: readonly Selected[]): Sliced<Float64Array[]> {
  const found: Float64Array[] = [];
  limitPoints(selected.length, reader.scans);
  const perSlice = Math.max(1, Math.floor(SLICE_POINTS / Math.max(1, reader.scans)));
  for (const [index, { slot }] of selected.entries()) {
    if (index % perSlice === 0) yield;
    found.push(reader.read(slot));
  }
  return found;
}

/** Newest sample minus the oldest one in positions 1 … `scans` (0 = the newest scan); counters never below 0. */
function* difference(history: History, selected: readonly Selected[], scans: number): Sliced<Answer> {
  const reader = history.reader(scans + 1);
  const times = reader.timestamps;
  const values = yield* columns(reader, selected);
  const found = selected.flatMap(({ group, field }, index): TipValue[] => {
    const column = values[index] as Float64Array;
    const newest = column.findIndex(value => !Number.isNaN(value));
    const oldest = column.findLastIndex(value => !Number.isNaN(value));
    if (newest < 0 || oldest < 1) return [];
    const change = (column[newest] as number) - (column[oldest] as number);
    const value = field.kind === 'Counter' ? Math.max(0, change) : change;
    const timestamps = [times[newest] as number, times[oldest] as number] as const;
    return [{ key: fieldKey(group, field), kind: field.kind, value, timestamps }];
  });
  return { type: 'MultiTip', tips: found };
}

function limitPoints(series: number, scans: number): void {
  if (series * scans <= CANTAL_LIMITS.pointsPerRule) return;
  throw new QueryError(
    `the rule reads ${series} series of ${scans} points`,
    `narrow the condition or the time: at most ${CANTAL_LIMITS.pointsPerRule} points`,
  );
}

function* series(history: History, selected: readonly Selected[], scans: number): Sliced<Answer> {
  const reader = history.reader(scans);
  const values = yield* columns(reader, selected);
  const found = selected.flatMap(({ group, field }, index) => {
    const column = values[index] as Float64Array;
    if (column.every(value => Number.isNaN(value))) return [];
    return [{ key: fieldKey(group, field), kind: field.kind, values: column }];
  });
  return { type: 'MultiSeries', timestamps: reader.timestamps, series: found };
}

/** How many scans reach back to and include the first one at least `ms` older than the newest. */
function scansWithin(history: History, ms: number): number {
  const times = history.timestamps();
  const newest = times[0] ?? 0;
  const index = times.findIndex(time => newest - time >= ms);
  return index < 0 ? times.length : index + 1;
}

function states(source: Tips, selects: Selects): Answer {
  const found: TipValue[] = [];
  for (const tip of source.all()) {
    if (!selects(label => textOf(tip.key, label))) continue;
    found.push({ key: tip.key, kind: 'State', value: tip.value, timestamps: [tip.seenMs, tip.seenMs] });
  }
  return { type: 'MultiTip', tips: found };
}

/** Throws QueryError (too much) or PatternError (bad pattern). */
export function* extract(rule: QueryRule, history: History, source: Tips, work: Work): Sliced<Answer> {
  const selects = compileCondition(rule.series.condition, work);
  if (rule.series.source === 'Tip') return states(source, selects);
  const selected = yield* select(history, selects, work);
  switch (rule.extract[0]) {
    case 'Tip':
      return tips(history, selected);
    case 'DiffToAtMost':
      return yield* difference(history, selected, rule.extract[1]);
    case 'HistoryByNum':
      return yield* series(history, selected, rule.extract[1]);
    case 'HistoryByTime':
      return yield* series(history, selected, scansWithin(history, rule.extract[1]));
  }
}
