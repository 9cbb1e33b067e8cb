// The framing of the identity hash: every step becomes a run of NUL-terminated fields in one byte stream.
import type { Step } from '../../config/model.ts';
import { byCodePoint } from '../../config/order.ts';

/** Takes the stream piece by piece; strings are UTF-8. */
export interface Sink {
  write(data: string | Uint8Array): void;
}

export type Scalar = string | number | boolean;

/** The same stream as what was put in: for `_version_hash --debug-versioning` and for the record beside an image. */
export type Part =
  | { readonly kind: 'step'; readonly step: Step }
  /** Of the step that began last and has not ended; steps of other containers are inside of the one that names those. */
  | { readonly kind: 'end' }
  | {
      readonly kind: 'field' | 'path' | 'json';
      readonly key: string;
      readonly value: string;
      /** `FILE:LINE` in the project, when it was read there. */
      readonly at?: string;
    }
  | { readonly kind: 'list'; readonly key: string; readonly values: readonly string[] }
  /** Its content follows; `path` as the steps name it. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'data'; readonly data: Uint8Array };

function scalarText(value: Scalar): string {
  return typeof value === 'number' ? value.toFixed(0) : String(value);
}

/** Compact, keys of objects in the order of their bytes. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null);
  const entries = Object.entries(value).sort(([a], [b]) => byCodePoint(a, b));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

export class FieldWriter {
  readonly #sink: Sink;
  readonly #watch: ((part: Part) => void) | undefined;

  constructor(sink: Sink, watch?: (part: Part) => void) {
    this.#sink = sink;
    this.#watch = watch;
  }

  step(step: Step, body: () => void): void {
    this.#sink.write(`COMMAND\0${step.tag}\0`);
    this.#watch?.({ kind: 'step', step });
    body();
    this.#watch?.({ kind: 'end' });
  }

  /** `at`: where it was read, for people. */
  field(key: string, value: Scalar, at?: string): void {
    this.#one('field', key, scalarText(value), at);
  }

  path(key: string, value: string): void {
    this.#one('path', key, value);
  }

  /** Of another program's file; what is missing there is `null`. */
  json(key: string, value: unknown): void {
    this.#one('json', key, canonicalJson(value));
  }

  #one(kind: 'field' | 'path' | 'json', key: string, value: string, at?: string): void {
    this.#sink.write(`${key}\0${value}\0`);
    this.#watch?.({ kind, key, value, ...(at !== undefined && { at }) });
  }

  /** Absent values leave no trace in the stream. */
  optional(key: string, value: Scalar | undefined): void {
    if (value !== undefined) this.field(key, value);
  }

  /** No terminator of its own: an empty list is just its key. */
  list(key: string, values: readonly Scalar[]): void {
    const texts = values.map(scalarText);
    this.#sink.write(`${key}\0${texts.map(text => `${text}\0`).join('')}`);
    this.#watch?.({ kind: 'list', key, values: texts });
  }

  /** File content: no key, length or terminator. */
  file(path: string, pieces: Iterable<Uint8Array>): void {
    this.#watch?.({ kind: 'file', path });
    for (const data of pieces) {
      this.#sink.write(data);
      this.#watch?.({ kind: 'data', data });
    }
  }
}
