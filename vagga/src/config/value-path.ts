// Where a value is, as errors of decoding name it: `.commands.my-test.work_dir`, `.containers.app.setup[2]`.
import type { AnySchema, Shape } from '@suite/shared/schema/shape.ts';
import { snake } from './spelling.ts';

type Path = readonly (string | number)[];

/** What a value may be, as far as the way to it tells: the tag that decides is not part of a path. */
function alternatives(shape: Shape): readonly Shape[] {
  switch (shape.kind) {
    case 'wrapped':
    case 'nullable':
      return alternatives(shape.inner.shape);
    case 'either':
      return shape.options.flatMap(option => alternatives(option.shape));
    case 'tagged':
      return Object.values(shape.variants).flatMap(variant => alternatives(variant.shape));
    default:
      return [shape];
  }
}

function below(shape: Shape, step: string | number): readonly Shape[] {
  if (shape.kind === 'list') return alternatives(shape.item.shape);
  if (shape.kind === 'map') return alternatives(shape.value.shape);
  const field = shape.kind === 'struct' ? shape.fields[step] : undefined;
  return field === undefined ? [] : alternatives(field.schema.shape);
}

/** Names of keys are written with `_`; names that are data stay as they are. */
export function valuePath(schema: AnySchema, path: Path): string {
  let shapes = alternatives(schema.shape);
  let text = '';
  for (const step of path) {
    const isKey = shapes.some(shape => shape.kind === 'struct' && Object.hasOwn(shape.fields, step));
    text += typeof step === 'number' ? `[${step}]` : `.${isKey ? snake(step) : step}`;
    shapes = shapes.flatMap(shape => below(shape, step));
  }
  return text;
}
