import type { MappingEntry, MappingNode, YamlNode } from '../yaml/node.ts';
import { isEmpty, setOwn, structEntries } from './collections.ts';
import { nearest } from './nearest.ts';
import {
  type AnyField,
  type Context,
  FAILED,
  type Field,
  type Read,
  type Schema,
  type Shape,
  wrongType,
} from './shape.ts';

type Fields = Readonly<Record<string, AnyField>>;

type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends Field<infer _, 'optional'> ? K : never }[keyof F];
type FieldValue<F> = F extends Field<infer T, infer _> ? T : never;

/** `restart-timeout` → `restartTimeout`; an optional field that is absent has no property. */
export type StructValue<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>> & string as Camel<K>]: FieldValue<F[K]>;
} & {
  readonly [K in OptionalKeys<F> & string as Camel<K>]?: FieldValue<F[K]>;
};

export interface StructOptions<F> {
  /** The field that a bare scalar in place of the whole structure means. */
  readonly shorthand?: keyof F & string;
}

/** `description`, here and below: what the key means, in one sentence. */
export function required<T>(schema: Schema<T>, description?: string): Field<T, 'required'> {
  return { schema, presence: 'required', ...(description !== undefined && { description }) };
}

/** Absent when not given; for a scalar, null means not given. */
export function optional<T>(schema: Schema<T>, description?: string): Field<T, 'optional'> {
  return { schema, presence: 'optional', ...(description !== undefined && { description }) };
}

/** `fallback` is used as it is, never validated. */
export function withDefault<T>(
  schema: Schema<T>,
  fallback: NoInfer<T>,
  description?: string,
): Field<T, 'default'> {
  return { schema, presence: 'default', fallback, ...(description !== undefined && { description }) };
}

/**
 * A mapping with fixed keys, in which `-` and `_` are alike and keys that start with `_` are ignored. An empty value is a structure
 * without keys. Errors: `wrong-type`, `missing-field` {field}, `unknown-key` {key, mapping: "line:column"}, and those of the fields.
 * @param fields names with dashes, as in the documentation
 */
export function struct<F extends Fields>(fields: F, options: StructOptions<F> = {}): Schema<StructValue<F>> {
  const { shorthand } = options;
  return {
    shape: { kind: 'struct', fields, ...(shorthand !== undefined && { shorthand }) },
    read(node, context) {
      const entries = entriesOf(node, shorthand);
      if (entries === undefined) return wrongType('mapping', node, context);
      const result: Record<string, unknown> = {};
      let failed = false;
      for (const [name, field] of Object.entries(fields)) {
        const value = readField(name, field, entries.get(name), node, context);
        if (value === FAILED) failed = true;
        else if (value !== undefined) setOwn(result, camel(name), value);
      }
      if (node.kind === 'mapping' && rejectUnknown(node, fields, context)) failed = true;
      return failed ? FAILED : (result as StructValue<F>);
    },
  };
}

function entriesOf(node: YamlNode, shorthand: string | undefined): Map<string, MappingEntry> | undefined {
  if (node.kind === 'mapping') return structEntries(node);
  if (isEmpty(node)) return new Map();
  if (node.kind !== 'scalar' || shorthand === undefined) return undefined;
  return new Map([[shorthand, { key: node, value: node }]]);
}

function readField(
  name: string,
  field: AnyField,
  entry: MappingEntry | undefined,
  node: YamlNode,
  context: Context,
): Read<unknown> {
  if (entry !== undefined) {
    if (field.presence === 'optional' && entry.value.kind === 'null' && isScalarShape(field.schema.shape))
      return undefined;
    return field.schema.read(entry.value, context.at(name));
  }
  if (field.presence === 'required') {
    return context.fail('missing-field', `the key ${name} is missing`, node, { field: name });
  }
  return field.fallback;
}

function rejectUnknown(node: MappingNode, fields: Fields, context: Context): boolean {
  const names = Object.keys(fields);
  const unknown = node.entries.filter(
    ({ key }) => !key.text.startsWith('_') && !Object.hasOwn(fields, key.text.replaceAll('_', '-')),
  );
  for (const { key } of unknown) {
    if (context.isFull) break;
    const near = nearest(key.text, names);
    const hint = near === undefined ? undefined : `did you mean ${near}?`;
    const params = { key: key.text, mapping: `${node.line}:${node.column}` };
    context
      .at(key.text)
      .fail('unknown-key', `the key ${JSON.stringify(key.text)} is not known here`, key, params, hint);
  }
  return unknown.length > 0;
}

function isScalarShape(shape: Shape): boolean {
  switch (shape.kind) {
    case 'text':
    case 'path':
    case 'bool':
    case 'int':
    case 'number':
    case 'choice':
      return true;
    case 'wrapped':
      return isScalarShape(shape.inner.shape);
    default:
      return false;
  }
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
