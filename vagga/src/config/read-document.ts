// One file through the dialect and a schema: a value, or all its errors in the order of the format.
import { type Diagnostic, decode, type Result, type Schema } from '@suite/shared/schema/index.ts';
import type { IncludeFile, YamlNode } from '@suite/shared/yaml/index.ts';
import { isSyntax, parseDocument } from './dialect.ts';
import { ordered } from './errors.ts';

/** `extra`: what is wrong with the file beyond its schema; these come first. */
export function readDocument<T>(
  schema: Schema<T>,
  file: string,
  text: string,
  include?: IncludeFile,
  extra: (root: YamlNode) => readonly Diagnostic[] = () => [],
): Result<T> {
  const { root, errors, isReported } = parseDocument(file, text, include);
  if (errors.some(error => error.file === file && isSyntax(error))) return { ok: false, errors };
  const value = decode(schema, root);
  const found = value.ok ? [] : value.errors.filter(error => !isReported(error));
  const all = [...extra(root), ...errors, ...ordered(schema, found)];
  if (value.ok && all.length === 0) return value;
  return { ok: false, errors: all.length === 0 && !value.ok ? value.errors : all };
}
