// /etc/subuid and /etc/subgid (subuid(5)): which ids beyond its own a user may give to its containers.
import type { IdRange } from '../../config/model.ts';

export interface SubordinateFile {
  /** For messages, e.g. `/etc/subuid`. */
  readonly path: string;
  readonly text: string;
}

/** Who asks: lines are found by name, and by number as newuidmap(1) does. */
export interface IdOwner {
  readonly name: string | undefined;
  readonly uid: number;
  /** The user's own uid or gid, which a range must not hold. */
  readonly own: number;
}

export type Subordinate =
  | { readonly ok: true; readonly ranges: readonly IdRange[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** The ids below belong to people and services of the host. */
const HOST_IDS_END = 65_536;
const LINE = /^([^:]+):(\d{1,10}):(\d{1,10})$/;

/** The ranges of one user in the order of the file. One bad line spoils the file: who knows what it was to say. */
export function parseSubordinate({ path, text }: SubordinateFile, owner: IdOwner): Subordinate {
  const ranges: IdRange[] = [];
  const warnings: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const at = `${path}:${index + 1}`;
    // A blank line says nothing; newuidmap does not mind it either.
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, first, length] = LINE.exec(line) ?? [];
    const [start, count] = [Number(first), Number(length)];
    if (name === undefined || count === 0)
      return { ok: false, message: `${at}: Bad syntax: ${JSON.stringify(line)}` };
    if (name !== owner.name && name !== String(owner.uid)) continue;
    if (start <= owner.own && owner.own < start + count) {
      const range = `range ${start}..${start + count - 1}`;
      const rule = "they should only include additional ranges not user's own uid/gid";
      return { ok: false, message: `${at}: ${range} includes original id, ${rule}` };
    }
    if (start < HOST_IDS_END) warnings.push(`${at}: range starts at ${start}, among the ids of the host`);
    ranges.push({ start, end: start + count });
  }
  return { ok: true, ranges, warnings };
}
