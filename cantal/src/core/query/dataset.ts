// Answers of a query while they are computed: values as Float64Array (NaN = no sample), newest first.
import type {
  Dataset,
  IncompatibleReason,
  MetricKey,
  SeriesValue,
  TipValue,
  ValueKind,
} from '@suite/shared/wire/cantal.ts';
import { type CborValue, encodeCbor, Float64 } from '@suite/shared/wire/cbor.ts';

export interface Series {
  readonly key: MetricKey;
  readonly kind: Exclude<ValueKind, 'State'>;
  readonly values: Float64Array;
}

export type Answer =
  | { readonly type: 'SingleSeries'; readonly timestamps: readonly number[]; readonly series: Series }
  | {
      readonly type: 'MultiSeries';
      readonly timestamps: readonly number[];
      readonly series: readonly Series[];
    }
  | Exclude<Dataset, { type: 'SingleSeries' | 'MultiSeries' }>;

function seriesJson(series: Series): SeriesValue {
  return { ...series, values: Array.from(series.values, value => (Number.isFinite(value) ? value : null)) };
}

function tipJson(tip: TipValue): TipValue {
  return typeof tip.value === 'number' && !Number.isFinite(tip.value) ? { ...tip, value: 0 } : tip;
}

/** Numbers JSON does not have become null (in a tip: 0, because a tip always has a value). */
export function answerJson(answer: Answer): Dataset {
  switch (answer.type) {
    case 'SingleSeries':
      return { ...answer, series: seriesJson(answer.series) };
    case 'MultiSeries':
      return { ...answer, series: answer.series.map(seriesJson) };
    case 'SingleTip':
      return { ...answer, tip: tipJson(answer.tip) };
    case 'MultiTip':
      return { ...answer, tips: answer.tips.map(tipJson) };
    default:
      return answer;
  }
}

const KIND_TAGS = { State: 0, Counter: 1, Integer: 2, Float: 3 } as const;
const REASON_TAGS: Readonly<Record<IncompatibleReason, number>> = {
  CantSumChart: 100,
  Dissimilar: 101,
  CantSumTimestamps: 102,
  CantSumStates: 103,
  CantDerive: 104,
};

/** Identity of a series: a CBOR map sorted by label, as bytes; the empty key is no bytes at all. */
function keyBytes(key: MetricKey): Uint8Array {
  const labels = Object.keys(key).sort();
  if (labels.length === 0) return new Uint8Array(0);
  return encodeCbor(Object.fromEntries(labels.map(label => [label, key[label] as string])));
}

/** Typed readers tell integers from floats by the encoding, so a whole float is still written as one. */
function number(kind: ValueKind, value: number): CborValue {
  return kind === 'Float' || !Number.isSafeInteger(value) ? new Float64(value) : value;
}

function chunk(series: Series): CborValue {
  const values = Array.from(series.values, value =>
    Number.isNaN(value) ? null : number(series.kind, value),
  );
  return [KIND_TAGS[series.kind], values];
}

function tipCbor(tip: TipValue): CborValue[] {
  const value: CborValue =
    typeof tip.value === 'number' ? number(tip.kind, tip.value) : [tip.value[0], tip.value[1]];
  return [keyBytes(tip.key), [KIND_TAGS[tip.kind], value], [tip.timestamps[0], tip.timestamps[1]]];
}

/** Tagged arrays: 100 SingleSeries, 101 MultiSeries, 200 SingleTip, 201 MultiTip, 998 Empty, 999 Incompatible. */
export function answerCbor(answer: Answer): CborValue {
  switch (answer.type) {
    case 'SingleSeries':
      return [100, keyBytes(answer.series.key), chunk(answer.series), answer.timestamps];
    case 'MultiSeries':
      return [101, answer.series.map(series => [keyBytes(series.key), chunk(series), answer.timestamps])];
    case 'SingleTip':
      return [200, ...tipCbor(answer.tip)];
    case 'MultiTip':
      return [201, answer.tips.map(tipCbor)];
    case 'Empty':
      return [998];
    case 'Incompatible':
      return [999, [REASON_TAGS[answer.reason]]];
  }
}
