import type { GenericSchema } from 'valibot';
import type { YamlNode } from '../yaml/node.ts';
import type { Diagnostic, DiagnosticParams, Position } from './diagnostic.ts';

/** How a schema looks from outside, for the JSON Schema export and for choosing between alternatives. */
export type Shape =
  | { readonly kind: 'text'; readonly rule: GenericSchema<string> }
  | { readonly kind: 'path'; readonly where: PathKind }
  | { readonly kind: 'bool' }
  | { readonly kind: 'int' | 'number'; readonly rule: GenericSchema<number> }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'any' }
  | { readonly kind: 'list'; readonly item: AnySchema; readonly min?: number; readonly max?: number }
  | { readonly kind: 'map'; readonly value: AnySchema; readonly keyPattern?: RegExp; readonly max?: number }
  | {
      readonly kind: 'struct';
      readonly fields: Readonly<Record<string, AnyField>>;
      readonly shorthand?: string;
    }
  | { readonly kind: 'tagged'; readonly variants: Readonly<Record<string, AnySchema>> }
  | { readonly kind: 'nullable'; readonly inner: AnySchema }
  | { readonly kind: 'either'; readonly options: readonly AnySchema[] }
  | { readonly kind: 'wrapped'; readonly inner: AnySchema };

export type PathKind = 'absolute' | 'relative' | 'any';

/** Returned by a `read` that reported an error. */
export const FAILED: unique symbol = Symbol('failed');
export type Read<T> = T | typeof FAILED;

export interface Schema<T> {
  readonly shape: Shape;
  /** Shown in the JSON Schema. */
  readonly description?: string;
  read(node: YamlNode, context: Context): Read<T>;
}

export type AnySchema = Schema<unknown>;
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** A field of a struct; `fallback` fills in for an absent key. */
export interface Field<T, Presence extends 'required' | 'optional' | 'default'> {
  readonly schema: Schema<T>;
  readonly presence: Presence;
  readonly fallback?: T;
  /** What the key means, for editors and for the tables of the documentation. */
  readonly description?: string;
}
export type AnyField = Field<unknown, 'required' | 'optional' | 'default'>;

/** Where a `read` is in the document, and where its errors go. */
export class Context {
  constructor(
    readonly errors: Diagnostic[],
    readonly path: readonly (string | number)[],
    private readonly maxErrors: number,
  ) {}

  at(step: string | number): Context {
    return new Context(this.errors, [...this.path, step], this.maxErrors);
  }

  /** The same place with an own list of errors, to try an alternative. */
  aside(): Context {
    return new Context([], this.path, this.maxErrors);
  }

  /** Nothing more will be kept: whoever works for a good message may stop. */
  get isFull(): boolean {
    return this.errors.length >= this.maxErrors;
  }

  fail(
    code: string,
    message: string,
    at: Position & { file: string },
    params: DiagnosticParams,
    hint?: string,
  ): typeof FAILED {
    if (this.isFull) return FAILED;
    const { file, line, column, endColumn } = at;
    const end = endColumn === undefined ? {} : { endColumn };
    const tail = hint === undefined ? {} : { hint };
    this.errors.push({
      code,
      severity: 'error',
      message,
      file,
      line,
      column,
      ...end,
      ...tail,
      params,
      path: this.path,
    });
    return FAILED;
  }
}

const FOUND = { scalar: 'a text', null: 'nothing', mapping: 'a mapping', sequence: 'a list' } as const;

/** `wrong-type` {expected, found}: `expected` is the kind of node, `found` too (`null` with `explicit`). */
export function wrongType(
  expected: 'scalar' | 'null' | 'mapping' | 'sequence',
  node: YamlNode,
  context: Context,
): typeof FAILED {
  const wanted = expected === 'null' ? 'no value' : FOUND[expected];
  const got = node.kind === 'null' && node.explicit ? 'null' : FOUND[node.kind];
  return context.fail('wrong-type', `${wanted} is expected here, not ${got}`, node, {
    expected,
    found: node.kind,
  });
}
