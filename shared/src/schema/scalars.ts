import * as v from 'valibot';
import type { ScalarNode } from '../yaml/node.ts';
import { nearest } from './nearest.ts';
import {
  type Context,
  FAILED,
  type PathKind,
  type Read,
  type Schema,
  type Shape,
  wrongType,
} from './shape.ts';

/** A schema over the text of a scalar. */
function scalar<T>(shape: Shape, read: (node: ScalarNode, context: Context) => Read<T>): Schema<T> {
  return {
    shape,
    read: (node, context) =>
      node.kind === 'scalar' ? read(node, context) : wrongType('scalar', node, context),
  };
}

/** Runs the valibot rule over a converted value; its issues become diagnostics at the scalar. */
function checked<T>(
  value: T,
  rule: v.GenericSchema<T>,
  code: string,
  node: ScalarNode,
  context: Context,
  hint?: string,
): Read<T> {
  const result = v.safeParse(rule, value);
  if (result.success) return result.output;
  for (const issue of result.issues) {
    const requirement = issue.requirement instanceof RegExp ? issue.requirement.source : issue.requirement;
    const params = { text: node.text, rule: issue.type, requirement: String(requirement ?? '') };
    context.fail(code, issue.message, node, params, hint);
  }
  return FAILED;
}

export interface TextOptions {
  readonly pattern?: RegExp;
  /** UTF-16 units. */
  readonly max?: number;
  readonly min?: number;
  /** What a good value looks like; shown under an error. */
  readonly hint?: string;
}

/** Any scalar, as text. Errors: `text` {rule, requirement}. */
export function text(options: TextOptions = {}): Schema<string> {
  const { pattern, max, min, hint } = options;
  const rules: v.PipeItem<string, string, v.BaseIssue<unknown>>[] = [];
  if (min !== undefined)
    rules.push(v.minLength(min, `must have at least ${min} character${min === 1 ? '' : 's'}`));
  if (max !== undefined) rules.push(v.maxLength(max, `must have at most ${max} characters`));
  if (pattern !== undefined)
    rules.push(v.regex(pattern, issue => `${issue.received} does not match ${pattern.source}`));
  const rule: v.GenericSchema<string> =
    rules.length === 0 ? v.string() : v.pipe(v.string(), ...(rules as [never]));
  if (rules.length === 0) return scalar({ kind: 'text', rule }, node => node.text);
  return scalar({ kind: 'text', rule }, (node, context) =>
    checked(node.text, rule, 'text', node, context, hint),
  );
}

/** Exactly `true` or `false`, quoted or not. Errors: `bool` {text}. */
export function bool(): Schema<boolean> {
  return scalar({ kind: 'bool' }, (node, context) => {
    if (node.text === 'true' || node.text === 'false') return node.text === 'true';
    const hint = /^(yes|on|y|true)$/i.test(node.text)
      ? 'write true'
      : /^(no|off|n|false)$/i.test(node.text)
        ? 'write false'
        : undefined;
    return context.fail(
      'bool',
      `${JSON.stringify(node.text)} is neither true nor false`,
      node,
      { text: node.text },
      hint,
    );
  });
}

export interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
}

export interface IntOptions extends NumberOptions {
  /** Decimal digits only: no 0x, no `_`, no suffix. */
  readonly plain?: boolean;
}

function numberRule(options: NumberOptions, whole: boolean): v.GenericSchema<number> {
  const rules: v.PipeItem<number, number, v.BaseIssue<unknown>>[] = [];
  if (whole) rules.push(v.safeInteger('is too large to be exact'));
  if (options.min !== undefined) rules.push(v.minValue(options.min, `must be at least ${options.min}`));
  if (options.max !== undefined) rules.push(v.maxValue(options.max, `must be at most ${options.max}`));
  return rules.length === 0 ? v.number() : v.pipe(v.number(), ...(rules as [never]));
}

const INTEGER = /^([+-]?)(0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*) *(k|M|G|ki|Mi|Gi)?$/;
const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  ki: 1 << 10,
  Mi: 1 << 20,
  Gi: 1 << 30,
};

/** `100Mi`, `0x1F`, `1_000`, `+5 k` → a number; undefined when it is none. A leading zero means nothing (`0644` is 644). */
export function parseInteger(source: string): number | undefined {
  const match = INTEGER.exec(source);
  const digits = match?.[2]?.replaceAll('_', '');
  if (match === null || digits === undefined || /^0[xob]$/.test(digits)) return undefined;
  const value = Number(digits) * (UNITS[match[3] ?? ''] ?? 1);
  return match[1] === '-' && value !== 0 ? -value : value;
}

/** Whole number. Errors: `number` {text}, `range` {rule: min_value | max_value | safe_integer, requirement}. */
export function int(options: IntOptions = {}): Schema<number> {
  const rule = numberRule(options, true);
  return scalar({ kind: 'int', rule }, (node, context) => {
    const value = options.plain && !/^[+-]?[0-9]+$/.test(node.text) ? undefined : parseInteger(node.text);
    if (value !== undefined) return checked(value, rule, 'range', node, context);
    const hint = options.plain ? 'decimal digits only' : 'e.g. 512, 64k, 100Mi, 0o1777';
    return context.fail(
      'number',
      `${JSON.stringify(node.text)} is not a whole number`,
      node,
      { text: node.text },
      hint,
    );
  });
}

/** Decimal number with an optional fraction and exponent. Errors: `number`, `range`. */
export function number(options: NumberOptions = {}): Schema<number> {
  const rule = numberRule(options, false);
  return scalar({ kind: 'number', rule }, (node, context) => {
    const isNumber = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(node.text);
    if (isNumber && Number.isFinite(Number(node.text)))
      return checked(Number(node.text), rule, 'range', node, context);
    return context.fail('number', `${JSON.stringify(node.text)} is not a number`, node, { text: node.text });
  });
}

/** One of fixed words; `-` and `_` are alike. The value is the spelling given here. Errors: `choice` {text, choices}. */
export function choice<const C extends readonly string[]>(choices: C): Schema<C[number]> {
  const known = new Map(choices.map(word => [word.replaceAll('_', '-'), word]));
  return scalar({ kind: 'choice', choices }, (node, context) => {
    const word = known.get(node.text.replaceAll('_', '-'));
    if (word !== undefined) return word;
    const near = nearest(node.text, choices);
    const hint = near === undefined ? undefined : `did you mean ${near}?`;
    const message = `${JSON.stringify(node.text)} is not one of ${choices.join(', ')}`;
    return context.fail('choice', message, node, { text: node.text, choices }, hint);
  });
}

/** Errors: `path` {text, reason: absolute | relative | parent | empty | nul}: what the path should be, or what is wrong in it. */
export function path(where: PathKind): Schema<string> {
  return scalar({ kind: 'path', where }, (node, context): Read<string> => {
    const fail = (reason: string, message: string): Read<string> =>
      context.fail('path', message, node, { text: node.text, reason });
    if (node.text === '') return fail('empty', 'a path is expected, not an empty text');
    if (node.text.includes('\0')) return fail('nul', 'a path cannot hold a NUL character');
    const isAbsolute = node.text.startsWith('/');
    if (where === 'absolute' && !isAbsolute) return fail('absolute', 'the path must start with /');
    if (where !== 'relative') return node.text;
    if (isAbsolute) return fail('relative', 'the path must not start with /');
    if (node.text.split('/').includes('..')) return fail('parent', '.. is not allowed in this path');
    return node.text;
  });
}
