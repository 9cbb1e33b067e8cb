import type { YamlNode } from '../yaml/node.ts';
import { setOwn } from './collections.ts';
import { FAILED, type Schema, wrongType } from './shape.ts';

/** No value at all: an empty value or null. */
export function nothing(): Schema<null> {
  return {
    shape: { kind: 'nothing' },
    read: (node, context) => (node.kind === 'null' ? null : wrongType('null', node, context)),
  };
}

/** An empty value, `~` and `null` are null; anything else is `inner`'s, also a bare tag where tags choose. */
export function nullable<T>(inner: Schema<T>): Schema<T | null> {
  const isBareTag = (node: YamlNode) => node.tag !== undefined && inner.shape.kind === 'tagged';
  return {
    shape: { kind: 'nullable', inner },
    read: (node, context) => (node.kind === 'null' && !isBareTag(node) ? null : inner.read(node, context)),
  };
}

/**
 * `first`, else `second`. When both refuse, the errors are those of the one that got further than the kind of the node
 * (so a typo inside a mapping is reported, not "a text is expected").
 */
export function either<A, B>(first: Schema<A>, second: Schema<B>): Schema<A | B> {
  return {
    shape: { kind: 'either', options: [first, second] },
    read(node, context) {
      const aside = [context.aside(), context.aside()] as const;
      const value = first.read(node, aside[0]);
      if (value !== FAILED) return value;
      const other = second.read(node, aside[1]);
      if (other !== FAILED) return other;
      const [one, two] = aside.map(({ errors }) => errors);
      const isKind = (code: string | undefined) => code === 'wrong-type' || code === 'tag-expected';
      const top = one?.[0];
      const chosen =
        top !== undefined && isKind(top.code) && top.path?.length === context.path.length ? two : one;
      context.errors.push(...(chosen ?? []));
      return FAILED;
    },
  };
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Any tree as JSON. Plain `true`, `false` and JSON numbers are recognised, other scalars are text; tags are ignored. */
export function any(): Schema<JsonValue> {
  return { shape: { kind: 'any' }, read: node => toJson(node) };
}

function toJson(node: YamlNode): JsonValue {
  switch (node.kind) {
    case 'null':
      return null;
    case 'scalar':
      return node.quoted ? node.text : plainToJson(node.text);
    case 'sequence':
      return node.items.map(toJson);
    case 'mapping': {
      const result: Record<string, JsonValue> = {};
      for (const { key, value } of node.entries) setOwn(result, key.text, toJson(value));
      return result;
    }
  }
}

function plainToJson(source: string): JsonValue {
  if (source === 'true' || source === 'false') return source === 'true';
  const isNumber = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(source);
  return isNumber && Number.isFinite(Number(source)) ? Number(source) : source;
}

/** A rule over a good value; `rule` returns what is wrong. Errors: `check`. */
export function check<T>(inner: Schema<T>, rule: (value: T) => string | undefined): Schema<T> {
  return {
    shape: { kind: 'wrapped', inner },
    read(node, context) {
      const value = inner.read(node, context);
      const wrong = value === FAILED ? undefined : rule(value);
      return wrong === undefined ? value : context.fail('check', wrong, node, {});
    },
  };
}

/** The same schema with a sentence for its reader in an editor. */
export function describe<T>(inner: Schema<T>, description: string): Schema<T> {
  return { ...inner, description };
}

export interface Located<T> {
  readonly value: T;
  readonly node: {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly endColumn?: number;
  };
}

/** Keeps the position beside the value, for checks that need other files or the machine. */
export function located<T>(inner: Schema<T>): Schema<Located<T>> {
  return {
    shape: { kind: 'wrapped', inner },
    read(node, context) {
      const value = inner.read(node, context);
      if (value === FAILED) return FAILED;
      const { file, line, column, endColumn } = node;
      return { value, node: { file, line, column, ...(endColumn !== undefined && { endColumn }) } };
    },
  };
}
