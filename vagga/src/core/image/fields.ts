// The framing of the identity hash: every step becomes a run of NUL-terminated fields in one byte stream.
import type { Json } from '../../config/model.ts';

/** Takes the stream piece by piece; strings are UTF-8. */
export interface Sink {
  write(data: string | Uint8Array): void;
}

type Scalar = string | number | boolean;

function scalarText(value: Scalar): string {
  return typeof value === 'number' ? value.toFixed(0) : String(value);
}

export class FieldWriter {
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  command(tag: string): void {
    this.#sink.write(`COMMAND\0${tag}\0`);
  }

  field(key: string, value: Scalar): void {
    this.#sink.write(`${key}\0${scalarText(value)}\0`);
  }

  /** Absent values leave no trace in the stream. */
  optional(key: string, value: Json | undefined): void {
    if (value !== undefined && value !== null) this.field(key, value as Scalar);
  }

  /** No terminator of its own: an empty list is just its key. */
  list(key: string, values: readonly Scalar[]): void {
    this.#sink.write(`${key}\0${values.map(value => `${scalarText(value)}\0`).join('')}`);
  }

  /** File content: no key, length or terminator. */
  raw(data: string | Uint8Array): void {
    this.#sink.write(data);
  }
}
