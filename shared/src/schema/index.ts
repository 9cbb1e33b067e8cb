/**
 * Schemas of config files: builders `s`, and `decode`, which turns a YAML tree into a typed value or into all its errors at once.
 * Every builder names the codes of its errors. The JSON Schema export is in `json-schema.ts`, so that only commands that export one
 * carry its library.
 */
import type { YamlNode } from '../yaml/node.ts';
import { list, map, tagged } from './collections.ts';
import { any, check, describe, either, located, nothing, nullable } from './combine.ts';
import type { Diagnostic, Result } from './diagnostic.ts';
import { bool, choice, int, number, path, text } from './scalars.ts';
import { Context, FAILED, type Schema } from './shape.ts';
import { optional, required, struct, withDefault } from './struct.ts';

export type { JsonValue, Located } from './combine.ts';
export type { Diagnostic, Position, Result } from './diagnostic.ts';
export { printDiagnostics } from './diagnostic.ts';
export { nearest } from './nearest.ts';
export { parseInteger } from './scalars.ts';
export type { Infer, Schema } from './shape.ts';

export const s = {
  text,
  bool,
  int,
  number,
  choice,
  path,
  list,
  map,
  struct,
  required,
  optional,
  withDefault,
  tagged,
  nullable,
  nothing,
  either,
  any,
  check,
  describe,
  located,
};

export interface DecodeOptions {
  /** Later errors are dropped; nobody reads the second hundred. */
  readonly maxErrors?: number;
  /** The path of the node, when it is not the root of its document. */
  readonly path?: readonly (string | number)[];
}

/** Never throws. Errors are in schema order: fields as declared, then unknown keys. */
export function decode<T>(schema: Schema<T>, node: YamlNode, options: DecodeOptions = {}): Result<T> {
  const errors: Diagnostic[] = [];
  const value = schema.read(node, new Context(errors, options.path ?? [], options.maxErrors ?? 100));
  return value === FAILED ? { ok: false, errors } : { ok: true, value, warnings: [] };
}
