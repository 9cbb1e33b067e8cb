import type { MappingEntry, MappingNode, YamlNode } from '../yaml/node.ts';
import { nearest } from './nearest.ts';
import { type AnySchema, FAILED, type Infer, type Schema, wrongType } from './shape.ts';

export interface ListOptions {
  readonly min?: number;
  readonly max?: number;
}

/** A list; an empty value is an empty list. Errors: `wrong-type`, `length` {min | max}, and those of the items. */
export function list<T>(item: Schema<T>, options: ListOptions = {}): Schema<readonly T[]> {
  return {
    shape: { kind: 'list', item, ...options },
    read(node, context) {
      if (node.kind !== 'sequence' && !isEmpty(node)) return wrongType('sequence', node, context);
      const items = node.kind === 'sequence' ? node.items : [];
      const { min, max } = options;
      if (min !== undefined && items.length < min) {
        return context.fail('length', `at least ${min} item${min === 1 ? ' is' : 's are'} expected`, node, {
          min,
        });
      }
      if (max !== undefined && items.length > max) {
        return context.fail('length', `at most ${max} items are allowed`, node, { max });
      }
      const values = items.map((child, index) => item.read(child, context.at(index)));
      return values.includes(FAILED) ? FAILED : (values as T[]);
    },
  };
}

export interface MapOptions {
  readonly max?: number;
  readonly keyPattern?: RegExp;
  /** What a good key looks like; shown under an error. */
  readonly keyHint?: string;
}

/** A mapping whose keys are data, taken literally. Errors: `wrong-type`, `length` {max}, `key` {key}, and those of the values. */
export function map<T>(value: Schema<T>, options: MapOptions = {}): Schema<Readonly<Record<string, T>>> {
  const { keyPattern, keyHint, max } = options;
  return {
    shape: { kind: 'map', value, ...(keyPattern && { keyPattern }), ...(max !== undefined && { max }) },
    read(node, context) {
      if (node.kind !== 'mapping' && !isEmpty(node)) return wrongType('mapping', node, context);
      if (max !== undefined && node.kind === 'mapping' && node.entries.length > max)
        return context.fail('length', `at most ${max} entries are allowed`, node, { max });
      const result: Record<string, T> = {};
      let failed = false;
      for (const entry of node.kind === 'mapping' ? node.entries : []) {
        const key = entry.key.text;
        const here = context.at(key);
        if (keyPattern?.test(key) === false) {
          failed = true;
          here.fail(
            'key',
            `${JSON.stringify(key)} is not a valid name here (${keyPattern.source})`,
            entry.key,
            { key },
            keyHint,
          );
        }
        const read = value.read(entry.value, here);
        if (read === FAILED) failed = true;
        else setOwn(result, key, read);
      }
      return failed ? FAILED : result;
    },
  };
}

/** `{tag: 'Tag', value}` for each variant. */
export type Tagged<V> = {
  [K in keyof V & string]: { readonly tag: K; readonly value: Infer<V[K]> };
}[keyof V & string];

export interface TaggedOptions<V> {
  /** The variant of a value without a tag; absent: a tag is required. */
  readonly untagged?: keyof V & string;
}

/** Who forgot the exclamation mark wrote the tag as a key or as the value. */
function forgotten(node: YamlNode, tags: readonly string[]): string | undefined {
  const single = node.kind === 'mapping' && node.entries.length === 1 ? node.entries[0]?.key : node;
  const near = single?.kind === 'scalar' ? nearest(single.text, tags) : undefined;
  return near === undefined ? undefined : `did you mean !${near}?`;
}

/** A value chosen by its tag. Errors: `tag-expected` {tags}, `unknown-tag` {tag, tags}, and those of the variant. */
export function tagged<V extends Readonly<Record<string, AnySchema>>>(
  variants: V,
  options: TaggedOptions<V> = {},
): Schema<Tagged<V>> {
  const tags = Object.keys(variants);
  return {
    shape: { kind: 'tagged', variants },
    read(node, context) {
      const tag = node.tag ?? options.untagged;
      const at = { file: node.file, ...(node.tagAt ?? node) };
      if (tag === undefined) {
        return context.fail(
          'tag-expected',
          `a tag is expected here: one of ${tags.map(name => `!${name}`).join(', ')}`,
          at,
          { tags },
          forgotten(node, tags),
        );
      }
      if (!Object.hasOwn(variants, tag)) {
        const near = nearest(tag, tags);
        const hint =
          near === undefined
            ? `known tags: ${tags.map(name => `!${name}`).join(', ')}`
            : `did you mean !${near}?`;
        return context.fail('unknown-tag', `the tag !${tag} is not known here`, at, { tag, tags }, hint);
      }
      const value = variants[tag]?.read(node, context) ?? null;
      return value === FAILED ? FAILED : ({ tag, value } as Tagged<V>);
    },
  };
}

/** Nothing after a key, dash or tag: structures, mappings and lists then take their defaults. */
export function isEmpty(node: YamlNode): boolean {
  return node.kind === 'null' && !node.explicit;
}

/** Plain assignment of `__proto__` would change the object instead of adding a key. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The entries of a struct under their dashed names; of two spellings of a key the underscore one wins. */
export function structEntries(node: MappingNode): Map<string, MappingEntry> {
  const byName = new Map<string, MappingEntry>();
  for (const entry of node.entries) {
    const name = entry.key.text.replaceAll('_', '-');
    if (!byName.has(name) || entry.key.text.includes('_')) byName.set(name, entry);
  }
  return byName;
}
