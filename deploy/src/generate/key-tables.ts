// The tables of keys in the documentation, from the schemas that read the files.
import type { Schema } from '@suite/shared/schema/index.ts';
import type { AnyField, AnySchema, Shape } from '@suite/shared/schema/shape.ts';

type Struct = Extract<Shape, { kind: 'struct' }>;

interface Table {
  readonly title: string;
  readonly shape: Struct;
}

/** Wrappers say how a value is checked, not what it is. */
export function unwrapped({ shape }: AnySchema): Shape {
  return shape.kind === 'wrapped' ? unwrapped(shape.inner) : shape;
}

/** The type of a value, in words of the documentation. */
export function typeOf(schema: AnySchema): string {
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
    case 'tagged': {
      const tags = Object.keys(shape.variants);
      return tags.length > MAX_TAGS ? `one of ${tags.length} tags` : tags.map(tag => `!${tag}`).join(', ');
    }
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
const MAX_TAGS = 10;

const OCTAL = ['mode', 'umask'];

/** Permissions are written in octal everywhere. */
function defaultOf(name: string, { presence, fallback }: AnyField): string {
  if (presence === 'required') return 'required';
  if (presence === 'optional' || fallback === null) return 'none';
  if (fallback === Number.MAX_SAFE_INTEGER) return 'no limit';
  if (OCTAL.includes(name) && typeof fallback === 'number') return `\`0o${fallback.toString(8)}\``;
  if (fallback === '') return 'empty';
  if (typeof fallback !== 'object') return `\`${String(fallback).trim().replaceAll('\n', '; ')}\``;
  return Array.isArray(fallback)
    ? 'empty'
    : Object.keys(fallback as object).length === 0
      ? 'empty'
      : 'see below';
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A row for each key; `exampleOf`: with a further column. */
export function fieldTable(
  fields: Readonly<Record<string, AnyField>>,
  exampleOf?: (key: string) => string,
): string {
  const rows = Object.entries(fields).map(([name, field]) => {
    const cells = [`\`${name}\``, typeOf(field.schema), defaultOf(name, field), field.description ?? ''];
    return row(exampleOf === undefined ? cells : [...cells, exampleOf(name)]);
  });
  const head = ['key', 'type', 'default', 'meaning', ...(exampleOf === undefined ? [] : ['example'])];
  return `${row(head)}\n|${'---|'.repeat(head.length)}\n${rows.join('\n')}\n`;
}

const table = ({ title, shape }: Table): string => `${title}\n\n${fieldTable(shape.fields)}`;

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
