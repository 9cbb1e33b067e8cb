// User and group ids, ranges of numbers, and maps from ids inside a container to ids of the host.
import { type Infer, type Schema, s } from '@suite/shared/schema/index.ts';
import { LIMITS } from './defaults.ts';

/** `N` or `A-B`, inclusive, without blanks. */
const RANGE = /^\d{1,10}(-\d{1,10})?$/;

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** `5` → 5–5, `5-9` → 5–9, both ends included. The text must have passed the schema. */
export function parseRange(text: string): NumberRange {
  const [first, last] = text.split('-');
  return { min: Number(first), max: Number(last ?? first) };
}

export function within(ranges: readonly string[], id: number): boolean {
  return ranges.map(parseRange).some(({ min, max }) => min <= id && id <= max);
}

function range(what: string, example: string, highest: number): Schema<string> {
  const hint = `one number or a range such as ${example}`;
  return s.check(s.text({ pattern: RANGE, hint }), text => {
    const { min, max } = parseRange(text);
    if (min > max) return `the range ${text} is empty: its first number is above its last`;
    return max > highest ? `${what} end at ${highest}` : undefined;
  });
}

export const idRangeSchema = range('ids', '1000-1999', LIMITS.idMax);
export const portRangeSchema = range('ports', '8000-8999', LIMITS.portMax);

export const idSchema = s.int({ min: 0, max: LIMITS.idMax });
/** Where the documented format has decimal digits only. */
export const plainIdSchema = s.int({ min: 0, max: LIMITS.idMax, plain: true });

const entry = s.struct({
  inside: s.required(idSchema, 'First id as seen inside.'),
  outside: s.required(idSchema, 'First id of the host.'),
  count: s.required(s.int({ min: 1, max: LIMITS.idMax }), 'How many ids.'),
});

const isTooLong = ({ inside, outside, count }: Infer<typeof entry>) =>
  Math.max(inside, outside) + count - 1 > LIMITS.idMax;

export const idMapSchema = s.list(
  s.check(entry, value => (isTooLong(value) ? `ids end at ${LIMITS.idMax}` : undefined)),
  { max: LIMITS.idMapEntriesMax },
);
