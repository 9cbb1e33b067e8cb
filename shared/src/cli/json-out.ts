import type { OutputStream } from './colours.ts';

export interface JsonOptions {
  /** Raised when a reader of the old shape would break. */
  readonly schemaVersion?: number;
}

/** One line of JSON with `schemaVersion` first, for `--json` of every reading command. */
export function jsonOut(value: object, stream: Pick<OutputStream, 'write'>, options: JsonOptions = {}): void {
  const { schemaVersion = 1 } = options;
  const body = Array.isArray(value) ? { items: value } : value;
  stream.write(`${JSON.stringify({ schemaVersion, ...body })}\n`);
}
