// vagga/schema/vscode.json: the tags of vagga.yaml, which the YAML language server must be told.
import type { AnySchema, Shape } from '@suite/shared/schema/shape.ts';

type Kind = 'scalar' | 'sequence' | 'mapping';

/** What may stand behind a tag. */
function kindsOf(shape: Shape): readonly Kind[] {
  switch (shape.kind) {
    case 'list':
      return ['sequence'];
    case 'map':
      return ['mapping'];
    case 'struct':
      return shape.shorthand === undefined ? ['mapping'] : ['mapping', 'scalar'];
    case 'either':
      return shape.options.flatMap(option => kindsOf(option.shape));
    case 'wrapped':
    case 'nullable':
      return kindsOf(shape.inner.shape);
    default:
      return ['scalar'];
  }
}

const isEmptyable = (shape: Shape): boolean => ['struct', 'map', 'list'].includes(shape.kind);

function below(shape: Shape): readonly AnySchema[] {
  switch (shape.kind) {
    case 'list':
      return [shape.item];
    case 'map':
      return [shape.value];
    case 'struct':
      return Object.values(shape.fields).map(({ schema }) => schema);
    case 'either':
      return shape.options;
    case 'wrapped':
    case 'nullable':
      return [shape.inner];
    case 'tagged':
      return Object.values(shape.variants);
    default:
      return [];
  }
}

/** `!Tag kind` for every tag in `schema`; a tag alone is a scalar to editors. */
function tagsOf({ shape }: AnySchema): string[] {
  const own =
    shape.kind !== 'tagged'
      ? []
      : Object.entries(shape.variants).flatMap(([tag, variant]) => {
          const kinds = [...kindsOf(variant.shape), ...(isEmptyable(variant.shape) ? ['scalar'] : [])];
          return kinds.map(kind => `!${tag} ${kind}`);
        });
  return [...own, ...below(shape).flatMap(tagsOf)];
}

const DIRECTIVES = ['!*Include scalar', '!*Unpack sequence'];

/** Settings for VS Code and others that use the same server. */
export function editorTags(schema: AnySchema): string {
  const tags = [...new Set([...tagsOf(schema), ...DIRECTIVES])].sort();
  return `${JSON.stringify({ 'yaml.customTags': tags }, null, 2)}\n`;
}
