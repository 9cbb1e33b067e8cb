// What the command gets to see of its options: VAGGAOPT_NAME for programs, VAGGACLI_NAME to pass on to another command line.
import type { Bindings } from './match.ts';
import { type Grammar, nameOf, type Option } from './model.ts';
import type { Words } from './words.ts';

export type Value =
  | { readonly kind: 'flag'; readonly set: boolean }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'value'; readonly text?: string }
  | { readonly kind: 'list'; readonly items: readonly string[] };

/** Written name (`--first`, `-v`, `<x>`, `X`, word) → value; every name of the grammar is there. */
export type Values = ReadonlyMap<string, Value>;

function optionValue(option: Option, given: readonly string[]): Value {
  if (!option.takesValue)
    return option.repeats ? { kind: 'count', count: given.length } : { kind: 'flag', set: given.length > 0 };
  if (!option.repeats) {
    const text = given.at(-1) ?? option.default;
    return text === undefined ? { kind: 'value' } : { kind: 'value', text };
  }
  const defaults = (option.default ?? '').split(/\s+/).filter(word => word !== '');
  return { kind: 'list', items: given.length > 0 ? given : defaults };
}

function positionalValue(kind: 'argument' | 'word', repeats: boolean, words: readonly string[]): Value {
  if (kind === 'word')
    return repeats ? { kind: 'count', count: words.length } : { kind: 'flag', set: words.length > 0 };
  if (repeats) return { kind: 'list', items: words };
  return words[0] === undefined ? { kind: 'value' } : { kind: 'value', text: words[0] };
}

export function valuesOf(grammar: Grammar, words: Words, bindings: Bindings): Values {
  const values = new Map<string, Value>();
  for (const [name, { kind, repeats }] of grammar.positionals) {
    if (name === '--') continue;
    const own = bindings.filter(([bound]) => bound === name).map(([, word]) => word);
    values.set(name, positionalValue(kind, repeats, own));
  }
  for (const option of grammar.options.all()) {
    values.set(nameOf(option), optionValue(option, words.given.get(nameOf(option)) ?? []));
  }
  return values;
}

/** One shell word. Underscores are quoted too: scripts compare with what they always saw. */
export function shellWord(text: string): string {
  if (text === '') return "''";
  return /^[\p{L}\p{N}@%+=:,./-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function plain(value: Value): string {
  switch (value.kind) {
    case 'flag':
      return value.set ? 'true' : '';
    case 'count':
      return value.count === 0 ? '' : String(value.count);
    case 'value':
      return value.text ?? '';
    case 'list':
      return value.items.join(' ');
  }
}

function counted(name: string, count: number): string {
  if (count === 0) return '';
  if (name.startsWith('-') && !name.startsWith('--')) return `-${name.slice(1).repeat(count)}`;
  return Array.from({ length: count }, () => name).join(' ');
}

function forCommandLine(name: string, value: Value): string {
  const prefix = name.startsWith('-') ? `${name} ` : '';
  switch (value.kind) {
    case 'flag':
      return value.set ? name : '';
    case 'count':
      return counted(name, value.count);
    case 'value':
      return value.text === undefined ? '' : `${prefix}${shellWord(value.text)}`;
    case 'list':
      return value.items.length === 0 ? '' : `${prefix.trimEnd()} ${value.items.map(shellWord).join(' ')}`;
  }
}

/** `--dry-run` → DRY_RUN, `<file name>` → `FILE NAME`. */
function variableName(name: string): string {
  return name.replace(/^-+/, '').replace(/[<>]/g, '').replaceAll('-', '_').toUpperCase();
}

/** Variables of the process. Where two names make the same variable, the one that has a value wins. */
export function optionVariables(values: Values): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of values) {
    const variable = variableName(name);
    if (variable === '' || (variables[`VAGGAOPT_${variable}`] ?? '') !== '') continue;
    variables[`VAGGAOPT_${variable}`] = plain(value);
    variables[`VAGGACLI_${variable}`] = forCommandLine(name, value);
  }
  return variables;
}
