// What differs within one step: files, lines, packages, values.
import type { RecordedEntry, RecordedField, RecordedStep } from './record.ts';

/** One difference within a step. */
export interface Detail {
  /** A sentence without a full stop. */
  readonly text: string;
  /** Of the project, when it is one. */
  readonly file?: string;
}

/** Longer values are cut: they are shown in one line. */
const SHOWN_CHARACTERS = 60;

function shown(value: string): string {
  const line = value.trim().replace(/\s+/g, ' ');
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS - 1)}…` : line;
}

const inProject = (path: string): string => path.replace(/^\/work\//, '');

const about = (path: string, text: string): Detail => ({
  text: `${inProject(path)} ${text}`,
  ...(path.startsWith('/work/') && { file: inProject(path) }),
});

export function entryDetails(before: readonly RecordedEntry[], after: readonly RecordedEntry[]): Detail[] {
  const old = new Map(before.map(entry => [entry[0], entry]));
  const kept = new Set(after.map(([path]) => path));
  const news = after.flatMap(([path, is, content]): Detail[] => {
    const [, wasIs, wasContent] = old.get(path) ?? [];
    if (wasIs === undefined) return [about(path, 'is new')];
    if (content !== wasContent) return [about(path, 'changed')];
    return is === wasIs ? [] : [about(path, attributes(wasIs, is))];
  });
  return [...news, ...before.filter(([path]) => !kept.has(path)).map(([path]) => about(path, 'is gone'))];
}

/** `mode 436 uid 0 gid 0`, pair by pair; what people write in octal is shown so. */
function attributes(before: string, after: string): string {
  const old = pairs(before);
  const parts = [...pairs(after)].flatMap(([key, value]) => {
    const was = old.get(key);
    if (was === value) return [];
    if (key === 'is_executable')
      return [value === 'true' ? 'can be executed now' : 'cannot be executed any more'];
    if (key === 'symlink')
      return [was === undefined ? `is a link to ${value} now` : `leads to ${value}, not to ${was}`];
    if (key === 'mode') return [`has mode ${octal(value)}, not ${octal(was)}`];
    return [`has ${key} ${value}, not ${was}`];
  });
  return parts.length === 0 ? 'is of another kind' : parts.join(', ');
}

const octal = (mode: string | undefined): string => Number(mode ?? 0).toString(8);

function pairs(text: string): Map<string, string> {
  const found = [
    ...text.matchAll(
      /(mode|uid|gid|is_executable|symlink) ((?:(?! (?:mode|uid|gid|is_executable|symlink) ).)*)/gs,
    ),
  ];
  return new Map(found.map(([, key = '', value = '']) => [key, value]));
}

function countedKeys(fields: readonly RecordedField[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [key] of fields) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** A key that comes once is compared by its value; of one that repeats, values that came or went. */
export function fieldDetails(before: readonly RecordedField[], after: readonly RecordedField[]): Detail[] {
  const [counts, oldCounts] = [countedKeys(after), countedKeys(before)];
  const keys = new Set([...oldCounts.keys(), ...counts.keys()]);
  return [...keys].flatMap(key => {
    const of = (fields: readonly RecordedField[]) => fields.filter(field => field[0] === key);
    const once = (counts.get(key) ?? 0) <= 1 && (oldCounts.get(key) ?? 0) <= 1;
    return once && key !== 'line'
      ? single(key, of(before)[0], of(after)[0])
      : several(key, of(before), of(after));
  });
}

function single(key: string, old: RecordedField | undefined, now: RecordedField | undefined): Detail[] {
  if (old?.[1] === now?.[1]) return [];
  if (now === undefined) return [{ text: `${key} ${shown(old?.[1] ?? '')} is gone` }];
  if (old === undefined) return [{ text: `${key} ${shown(now[1])} is new` }];
  const [was, is] = [shown(old[1]), shown(now[1])];
  return [{ text: was === is ? `${key} changed` : `${key} ${is}, was ${was}` }];
}

function without(all: readonly RecordedField[], others: readonly RecordedField[]): RecordedField[] {
  const counts = new Map<string, number>();
  for (const [, value] of others) counts.set(value, (counts.get(value) ?? 0) + 1);
  return all.filter(([, value]) => {
    const left = counts.get(value) ?? 0;
    counts.set(value, left - 1);
    return left <= 0;
  });
}

function several(key: string, before: readonly RecordedField[], after: readonly RecordedField[]): Detail[] {
  const line = ([, value, at]: RecordedField, verb: string): Detail => ({
    text: `${at === undefined ? key : at} ${verb}: ${shown(value)}`,
    ...(at !== undefined && { file: at.replace(/:\d+$/, '') }),
  });
  const details = [
    ...without(after, before).map(field => line(field, field[2] === undefined ? 'added' : 'line added')),
    ...without(before, after).map(field => line(field, field[2] === undefined ? 'removed' : 'line removed')),
  ];
  const same =
    JSON.stringify(before.map(([, value]) => value)) === JSON.stringify(after.map(([, value]) => value));
  return details.length === 0 && !same ? [{ text: `${key}: another order` }] : details;
}

type Lists = RecordedStep['lists'] & object;

export function listDetails(before: Lists, after: Lists): Detail[] {
  const old = new Map(before);
  const now = new Map(after);
  return [...new Set([...old.keys(), ...now.keys()])].flatMap(key => {
    const [was, is] = [old.get(key) ?? [], now.get(key) ?? []].map(values =>
      values.map((value): RecordedField => [key, value]),
    );
    return several(key, was ?? [], is ?? []);
  });
}
