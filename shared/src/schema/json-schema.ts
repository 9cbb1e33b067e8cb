/**
 * The JSON Schema that editors use to complete and check a config file before any tool reads it. It describes the YAML as an editor's
 * own parser sees it, so it is looser than `decode`: tags are invisible there, and scalars may have turned into numbers or bools.
 * Kept out of `index.ts` so that only commands that export schemas bundle the converter.
 */
import { toJsonSchema as ruleToJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import type { AnyField, AnySchema, Schema, Shape } from './shape.ts';

export interface JsonSchemaOptions {
  readonly title: string;
  /** URL or URN that names the schema. */
  readonly id: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Draft-07, what the YAML language server reads. */
export function toJsonSchema(schema: Schema<unknown>, options: JsonSchemaOptions): Json {
  const { id, title } = options;
  return { $schema: 'http://json-schema.org/draft-07/schema#', $id: id, title, ...convert(schema) };
}

function convert(schema: AnySchema): Json {
  const body = convertShape(schema.shape);
  return schema.description === undefined ? body : { ...body, description: schema.description };
}

function convertShape(shape: Shape): Json {
  switch (shape.kind) {
    case 'text':
      // `3.10` and `true` are texts to us and something else to an editor.
      return { ...rule(shape.rule), type: ['string', 'number', 'boolean'] };
    case 'path':
      return shape.where === 'absolute'
        ? { type: 'string', pattern: '^/' }
        : { type: 'string', minLength: 1 };
    case 'bool':
      return { enum: [true, false, 'true', 'false'] };
    case 'int':
      return {
        anyOf: [
          { ...rule(shape.rule), type: 'integer' },
          { type: 'string', pattern: '^[+-]?[0-9]' },
        ],
      };
    case 'number':
      return { ...rule(shape.rule), type: 'number' };
    case 'choice':
      return { enum: [...new Set(shape.choices.flatMap(word => [word, word.replaceAll('-', '_')]))] };
    case 'nothing':
      return { type: 'null' };
    case 'any':
      return {};
    case 'list':
      return convertList(shape);
    case 'map':
      return convertMap(shape);
    case 'struct':
      return convertStruct(shape);
    case 'tagged':
      return {
        anyOf: Object.entries(shape.variants).map(([tag, variant]) => ({
          title: `!${tag}`,
          ...convert(variant),
        })),
      };
    case 'nullable':
      return { anyOf: [convert(shape.inner), { type: 'null' }] };
    case 'either':
      return { anyOf: shape.options.map(convert) };
    case 'wrapped':
      return convert(shape.inner);
  }
}

/** The valibot rule's own bounds; what has no JSON Schema form (a safe integer) is left to `decode`. */
function rule(schema: GenericSchema): Json {
  const { $schema: _, ...body } = ruleToJsonSchema(schema, { errorMode: 'ignore' });
  return body;
}

function convertList(shape: Shape & { kind: 'list' }): Json {
  const bounds = {
    ...(shape.min !== undefined && { minItems: shape.min }),
    ...(shape.max !== undefined && { maxItems: shape.max }),
  };
  return { type: ['array', 'null'], items: convert(shape.item), ...bounds };
}

function convertMap(shape: Shape & { kind: 'map' }): Json {
  const names = shape.keyPattern === undefined ? {} : { propertyNames: { pattern: shape.keyPattern.source } };
  const bound = shape.max === undefined ? {} : { maxProperties: shape.max };
  return { type: ['object', 'null'], additionalProperties: convert(shape.value), ...names, ...bound };
}

function convertStruct(shape: Shape & { kind: 'struct' }): Json {
  const fields = Object.entries(shape.fields);
  // A key with a dash may be spelled with an underscore, which `required` cannot say.
  const required = fields
    .filter(([name, field]) => field.presence === 'required' && !name.includes('-'))
    .map(([name]) => name);
  const body = {
    type: ['object', 'null'],
    properties: Object.fromEntries(fields.map(([name, field]) => [name, convertField(field)])),
    // The other spelling of a dashed key, or a key that is ignored.
    patternProperties: { _: {} },
    additionalProperties: false,
    ...(required.length > 0 && { required }),
  };
  const short = shape.shorthand === undefined ? undefined : shape.fields[shape.shorthand];
  return short === undefined ? body : { anyOf: [body, convert(short.schema)] };
}

function convertField({ schema, presence, fallback, description }: AnyField): Json {
  const body = { ...convert(schema), ...(description !== undefined && { description }) };
  const isPlain =
    typeof fallback === 'string' || typeof fallback === 'number' || typeof fallback === 'boolean';
  return presence === 'default' && isPlain ? { ...body, default: fallback } : body;
}
