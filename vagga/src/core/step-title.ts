// How steps are named to people.
import type { AnySchema, Shape } from '@suite/shared/schema/shape.ts';
import type { Json, Step } from '../config/model.ts';
import { camel } from '../config/spelling.ts';
import { STEPS } from '../config/steps/index.ts';

type Struct = Extract<Shape, { kind: 'struct' }>;

function structOf({ shape }: AnySchema): Struct | undefined {
  if (shape.kind === 'wrapped') return structOf(shape.inner);
  if (shape.kind === 'either') return shape.options.map(structOf).find(found => found !== undefined);
  return shape.kind === 'struct' ? shape : undefined;
}

/** Texts that differ from what they are when nobody writes them; one that may stand alone does. */
function fieldsText(value: Readonly<Record<string, Json>>, struct: Struct | undefined): string {
  const fields = Object.entries(struct?.fields ?? {});
  const given = Object.entries(value).flatMap(([key, item]): [string, string][] => {
    const [name = key, field] = fields.find(([written]) => camel(written) === key) ?? [];
    return typeof item === 'string' && item !== field?.fallback ? [[name, item]] : [];
  });
  const [first, ...more] = given;
  if (first !== undefined && more.length === 0 && first[0] === struct?.shorthand) return first[1];
  return given.map(([name, item]) => `${name}: ${item}`).join(', ');
}

function valueText(value: Json, struct?: Struct): string {
  if (value === null || typeof value !== 'object') return String(value ?? '');
  if (Array.isArray(value)) return value.map(item => valueText(item)).join(' ');
  return fieldsText(value as Readonly<Record<string, Json>>, struct);
}

/** One line for progress, logs and messages; long scripts are cut. */
export function stepTitle({ tag, value }: Step): string {
  const schema: AnySchema | undefined = (STEPS as Readonly<Record<string, AnySchema>>)[tag];
  const line = valueText(value, schema && structOf(schema))
    .trim()
    .replace(/\s+/g, ' ');
  return `!${tag} ${line.length > 60 ? `${line.slice(0, 59)}…` : line}`.trimEnd();
}
