// The tables of keys in the documentation, from the schemas that read the files.
import type { Schema } from '@suite/shared/schema/index.ts';
import type { AnyField, AnySchema, Shape } from '@suite/shared/schema/shape.ts';

type Struct = Extract<Shape, { kind: 'struct' }>;

interface Table {
  readonly title: string;
  readonly shape: Struct;
}

/** Wrappers say how a value is checked, not what it is. */
function unwrapped({ shape }: AnySchema): Shape {
  return shape.kind === 'wrapped' ? unwrapped(shape.inner) : shape;
}

/** The type of a value, in words of the documentation. */
function typeOf(schema: AnySchema): string {
  const shape = unwrapped(schema);
  switch (shape.kind) {
    case 'bool':
      return 'true or false';
    case 'choice':
      return shape.choices.length > MAX_CHOICES ? 'word' : shape.choices.join(', ');
    case 'list':
      return `list of ${typeOf(shape.item)}`;
    case 'map':
      return `mapping to ${typeOf(shape.value)}`;
    case 'struct':
      return 'mapping';
    case 'tagged':
      return Object.keys(shape.variants)
        .map(tag => `!${tag}`)
        .join(', ');
    case 'nullable':
      return `${typeOf(shape.inner)} or null`;
    case 'either':
      return shape.options.map(typeOf).join(' or ');
    case 'path':
      return shape.where === 'absolute' ? 'absolute path' : 'path';
    default:
      return shape.kind;
  }
}

const MAX_CHOICES = 6;

/** Permissions are written in octal everywhere. */
function defaultOf(name: string, { presence, fallback }: AnyField): string {
  if (presence === 'required') return 'required';
  if (presence === 'optional' || fallback === null) return 'none';
  if (fallback === Number.MAX_SAFE_INTEGER) return 'no limit';
  if (name === 'mode' && typeof fallback === 'number') return `\`0o${fallback.toString(8)}\``;
  if (typeof fallback !== 'object') return `\`${String(fallback)}\``;
  return Array.isArray(fallback)
    ? 'empty'
    : Object.keys(fallback as object).length === 0
      ? 'empty'
      : 'see below';
}

function table({ title, shape }: Table): string {
  const rows = Object.entries(shape.fields).map(
    ([name, field]) =>
      `| \`${name}\` | ${typeOf(field.schema)} | ${defaultOf(name, field)} | ${field.description ?? ''} |`,
  );
  return `${title}\n\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

/** Structures inside a value, with the key that leads there. */
function inside(name: string, schema: AnySchema): Table[] {
  const shape = unwrapped(schema);
  switch (shape.kind) {
    case 'struct':
      return Object.keys(shape.fields).length === 0
        ? []
        : [{ title: `### ${name}`, shape }, ...nested(shape)];
    case 'list':
      return inside(name, shape.item);
    case 'map':
      return inside(name, shape.value);
    case 'nullable':
      return inside(name, shape.inner);
    case 'tagged':
      return Object.entries(shape.variants).flatMap(([tag, variant]) => inside(`${name}: !${tag}`, variant));
    default:
      return [];
  }
}

function nested(shape: Struct): Table[] {
  return Object.entries(shape.fields).flatMap(([name, { schema }]) => inside(name, schema));
}

/** A section for one kind of file: its keys, then the keys inside of them. */
export function keyTables(title: string, schema: Schema<unknown>): string {
  const shape = unwrapped(schema);
  if (shape.kind !== 'struct') throw new Error(`${title} is no mapping with fixed keys`);
  const tables = [{ title: `## ${title}`, shape }, ...nested(shape)].map(table);
  return [...new Set(tables)].join('\n');
}
