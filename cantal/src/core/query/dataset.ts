// Answers of a query while they are computed: values as Float64Array (NaN = no sample), newest first.
import type {
  Dataset,
  IncompatibleReason,
  MetricKey,
  SeriesValue,
  TipValue,
  ValueKind,
} from '@suite/shared/wire/cantal.ts';
import { type CborValue, encodeCbor, encodeCborHead, Float64 } from '@suite/shared/wire/cbor.ts';

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

/** One answer as JSON, in pieces to be joined: a series each. Numbers JSON lacks become null (in a tip: 0, as a tip always has a value). */
export function* answerJson(answer: Answer): Generator<string> {
  switch (answer.type) {
    case 'MultiSeries': {
      yield `{"type":"MultiSeries","timestamps":${JSON.stringify(answer.timestamps)},"series":[`;
      for (const [index, series] of answer.series.entries())
        yield (index === 0 ? '' : ',') + JSON.stringify(seriesJson(series));
      yield ']}';
      return;
    }
    case 'SingleSeries':
      yield JSON.stringify({ ...answer, series: seriesJson(answer.series) } satisfies Dataset);
      return;
    case 'SingleTip':
      yield JSON.stringify({ ...answer, tip: tipJson(answer.tip) } satisfies Dataset);
      return;
    case 'MultiTip':
      yield JSON.stringify({ ...answer, tips: answer.tips.map(tipJson) } satisfies Dataset);
      return;
    default:
      yield JSON.stringify(answer satisfies Dataset);
  }
}

/** Numbers in the answer, for the limit on its size. */
export function answerPoints(answer: Answer): number {
  if (answer.type === 'SingleSeries') return answer.series.values.length;
  return answer.type === 'MultiSeries' ? answer.series.length * answer.timestamps.length : 0;
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

/** Tagged arrays: 100 SingleSeries, 101 MultiSeries, 200 SingleTip, 201 MultiTip, 998 Empty, 999 Incompatible; in pieces to be joined. */
export function* answerCbor(answer: Answer): Generator<Uint8Array> {
  switch (answer.type) {
    case 'MultiSeries':
      yield encodeCborHead('array', 2);
      yield encodeCbor(101);
      yield encodeCborHead('array', answer.series.length);
      for (const series of answer.series)
        yield encodeCbor([keyBytes(series.key), chunk(series), answer.timestamps]);
      return;
    case 'SingleSeries':
      yield encodeCbor([100, keyBytes(answer.series.key), chunk(answer.series), answer.timestamps]);
      return;
    case 'SingleTip':
      yield encodeCbor([200, ...tipCbor(answer.tip)]);
      return;
    case 'MultiTip':
      yield encodeCbor([201, answer.tips.map(tipCbor)]);
      return;
    case 'Empty':
      yield encodeCbor([998]);
      return;
    case 'Incompatible':
      yield encodeCbor([999, [REASON_TAGS[answer.reason]]]);
  }
}
