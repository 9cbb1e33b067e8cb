// The memory-map protocol between applications and cantal: a text file `BASE.meta` that names fields and a binary
// file `BASE.values` that holds them back to back, in host byte order. Both are found through CANTAL_PATH.
//
//   entry = type SP length [SP param] ":" json      (counter, level, state, types yet unknown)
//         | "pad" SP length
import type { MetricKey } from './cantal.ts';

export const METRIC_LIMITS = {
  metaBytes: 1024 * 1024,
  valuesBytes: 4 * 1024 * 1024,
  fields: 20_000,
  shortField: 255,
  longField: 65_535,
  labels: 32,
  labelLength: 255,
} as const;

/** `unreadable`: the bytes are skipped (pad, unknown type, unsupported size, labels that are not texts). */
export type MetricField =
  | {
      readonly type: 'counter' | 'signed' | 'float';
      readonly offset: number;
      readonly labels: MetricKey;
      readonly json: string;
    }
  | {
      readonly type: 'state';
      readonly offset: number;
      readonly length: number;
      readonly labels: MetricKey;
      readonly json: string;
    };

export interface MetricMeta {
  readonly fields: readonly MetricField[];
  /** Bytes the readable fields need; a longer values file is fine. */
  readonly sizeBytes: number;
  readonly warnings: readonly string[];
}

export type MetaResult =
  | { readonly ok: true; readonly meta: MetricMeta }
  | { readonly ok: false; readonly error: string };

interface Head {
  readonly type: string;
  readonly length: number;
  readonly param: string | undefined;
}

function parseHead(text: string): Head | string {
  const [type = '', lengthText = '', param] = text.split(' ');
  if (!/^\d+$/.test(lengthText)) return `"${lengthText}" is not a length`;
  const length = Number(lengthText);
  const limit = type === 'counter' || type === 'level' ? METRIC_LIMITS.shortField : METRIC_LIMITS.longField;
  if (length > limit) return `length ${length} is above ${limit} for "${type}"`;
  if (type === 'level' && param === undefined) return '"level" needs signed, unsigned or float';
  return { type, length, param };
}

/** undefined when the JSON is not an object of texts: that one metric is dropped, its bytes still count. */
function labelsOf(value: unknown): MetricKey | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > METRIC_LIMITS.labels) return undefined;
  const texts = entries.every(
    ([name, text]) =>
      typeof text === 'string' &&
      text.length <= METRIC_LIMITS.labelLength &&
      name.length <= METRIC_LIMITS.labelLength,
  );
  return texts ? (Object.fromEntries(entries) as MetricKey) : undefined;
}

function fieldType(head: Head): MetricField['type'] | undefined {
  if (head.type === 'counter' && head.length === 8) return 'counter';
  if (head.type === 'level' && head.length === 8 && (head.param === 'signed' || head.param === 'float'))
    return head.param;
  if (head.type === 'state' && head.length > 8) return 'state';
  return undefined;
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

interface Line {
  readonly length: number;
  readonly field?: MetricField;
  readonly warning?: string;
}

function parseLine(line: string, offset: number): Line | string {
  const colon = line.indexOf(':');
  const pad = /^pad (\d+)(\s|$)/.exec(line);
  if (pad !== null) {
    const length = Number(pad[1]);
    return length > METRIC_LIMITS.longField
      ? `pad ${length} is above ${METRIC_LIMITS.longField}`
      : { length };
  }
  if (colon < 0) return 'no colon before the labels';
  const head = parseHead(line.slice(0, colon));
  if (typeof head === 'string') return head;
  const json = line.slice(colon + 1).trim();
  const parsed = parseJson(json);
  if (parsed === undefined) return 'the labels are not valid JSON';
  const { length } = head;
  const type = fieldType(head);
  if (type === undefined) return { length, warning: `${line.slice(0, colon)} cannot be read and is skipped` };
  const labels = labelsOf(parsed.value);
  if (labels === undefined)
    return { length, warning: `labels ${json.slice(0, 80)} are not an object of texts` };
  const common = { offset, labels, json };
  return { length, field: type === 'state' ? { type, ...common, length } : { type, ...common } };
}

/** One malformed line invalidates the whole file; an empty text is a valid file without metrics. */
export function parseMeta(text: string): MetaResult {
  const fields: MetricField[] = [];
  const warnings: string[] = [];
  let offset = 0;
  let sizeBytes = 0;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > METRIC_LIMITS.fields)
    return { ok: false, error: `more than ${METRIC_LIMITS.fields} fields` };
  for (const [index, raw] of lines.entries()) {
    const line = parseLine(raw.trim(), offset);
    if (typeof line === 'string') return { ok: false, error: `line ${index + 1}: ${line}` };
    offset += line.length;
    if (line.warning !== undefined) warnings.push(`line ${index + 1}: ${line.warning}`);
    if (line.field !== undefined) {
      fields.push(line.field);
      sizeBytes = offset;
    }
  }
  return { ok: true, meta: { fields, sizeBytes, warnings } };
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Exact up to 2^53, which no real counter reaches. */
function unsigned64(view: DataView, offset: number): number {
  const first = view.getUint32(offset, LITTLE_ENDIAN);
  const second = view.getUint32(offset + 4, LITTLE_ENDIAN);
  return LITTLE_ENDIAN ? second * 0x1_0000_0000 + first : first * 0x1_0000_0000 + second;
}

function signed64(view: DataView, offset: number): number {
  const low = view.getUint32(LITTLE_ENDIAN ? offset : offset + 4, LITTLE_ENDIAN);
  const high = view.getInt32(LITTLE_ENDIAN ? offset + 4 : offset, LITTLE_ENDIAN);
  return high * 0x1_0000_0000 + low;
}

/** Value of a number field; the caller has checked that the bytes are there (`sizeBytes`). */
export function readNumber(view: DataView, field: MetricField): number {
  if (field.type === 'counter') return unsigned64(view, field.offset);
  if (field.type === 'signed') return signed64(view, field.offset);
  return view.getFloat64(field.offset, LITTLE_ENDIAN);
}

const lossy = new TextDecoder('utf-8');

/** [since ms, text]; the text ends at NUL or at the end of the field. Time 0 means idle (the text is then left-over). */
export function readState(view: DataView, field: MetricField & { readonly type: 'state' }): [number, string] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + field.offset + 8, field.length - 8);
  const end = bytes.indexOf(0);
  return [unsigned64(view, field.offset), lossy.decode(end < 0 ? bytes : bytes.subarray(0, end))];
}

/** `counter` only grows; `signed` is a level. */
export interface PublishedMetric {
  readonly type: 'counter' | 'signed';
  readonly labels: MetricKey;
  readonly value: number;
}

const ENTRY = { counter: 'counter 8', signed: 'level 8 signed' } as const;
const VALUE_BYTES = 8;

/** Text of `BASE.meta`; the values follow in the same order. */
export function metaText(metrics: readonly PublishedMetric[]): string {
  return metrics.map(({ type, labels }) => `${ENTRY[type]}: ${JSON.stringify(labels)}\n`).join('');
}

/** Bytes of `BASE.values`. Values are whole numbers of at most 2^53. */
export function valueBytes(metrics: readonly PublishedMetric[]): Uint8Array {
  const bytes = new Uint8Array(metrics.length * VALUE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { value }] of metrics.entries())
    view.setBigInt64(index * VALUE_BYTES, BigInt(Math.trunc(value)), LITTLE_ENDIAN);
  return bytes;
}
