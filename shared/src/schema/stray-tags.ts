import type { YamlNode } from '../yaml/node.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { AnySchema, Schema, Shape } from './shape.ts';

/**
 * Tags where no schema chooses by tag: code `stray-tag` {tag}. vagga's dialect ignores them; a tool whose own files have no such
 * history can refuse them, because a tag that changes nothing is a mistake. Keys that the schema does not know are passed over.
 */
export function strayTags(schema: Schema<unknown>, root: YamlNode): readonly Diagnostic[] {
  return walk(schema.shape, root, false);
}

function walk(shape: Shape, node: YamlNode, isTagRead: boolean): readonly Diagnostic[] {
  switch (shape.kind) {
    case 'any':
      return [];
    case 'nullable':
    case 'wrapped':
      return walk(shape.inner.shape, node, isTagRead);
    case 'either':
      return fewest(shape.options.map(option => walk(option.shape, node, isTagRead)));
    case 'tagged': {
      const variant = node.tag === undefined ? undefined : shape.variants[node.tag];
      return variant === undefined ? [] : walk(variant.shape, node, true);
    }
    default:
      return [...(isTagRead ? [] : ownTag(node)), ...below(shape, node)];
  }
}

function ownTag(node: YamlNode): readonly Diagnostic[] {
  if (node.tag === undefined) return [];
  const { line, column } = node.tagAt ?? node;
  const message = `no tag is expected here, but !${node.tag} is given`;
  const params = { tag: node.tag };
  return [{ code: 'stray-tag', severity: 'error', message, file: node.file, line, column, params }];
}

function below(shape: Shape, node: YamlNode): readonly Diagnostic[] {
  if (shape.kind === 'list' && node.kind === 'sequence')
    return node.items.flatMap(item => walk(shape.item.shape, item, false));
  if (node.kind !== 'mapping') return [];
  if (shape.kind === 'map') return node.entries.flatMap(({ value }) => walk(shape.value.shape, value, false));
  if (shape.kind !== 'struct') return [];
  const fields = new Map(Object.entries(shape.fields).map(([name, field]) => [spelling(name), field.schema]));
  return node.entries.flatMap(({ key, value }) => inField(fields.get(spelling(key.text)), value));
}

const spelling = (key: string): string => key.replaceAll('_', '-');
const inField = (schema: AnySchema | undefined, value: YamlNode) =>
  schema === undefined ? [] : walk(schema.shape, value, false);

function fewest(alternatives: readonly (readonly Diagnostic[])[]): readonly Diagnostic[] {
  return alternatives.reduce((best, next) => (next.length < best.length ? next : best));
}
