// What is put into a directory changes its time, so the times of an archive's directories are set when all is there. A directory
// that is removed in between, or below one that is, is another one when its name comes again.
import { ArchiveError } from './error.ts';

/** Of all names together: about a million directories. */
const NAMES_BYTES_MAX = 64 * 1024 * 1024;

type Parts = readonly string[];

export class DirectoryTimes {
  readonly #times = new Map<
    string,
    { readonly parts: Parts; readonly mtimeS: number; readonly turn: number }
  >();
  /** When what is below was removed last. */
  readonly #removed = new Map<string, number>();
  #bytes = 0;
  #turn = 0;

  #key(parts: Parts): string {
    const key = parts.join('/');
    this.#bytes += key.length;
    if (this.#bytes > NAMES_BYTES_MAX) throw new ArchiveError('the archive has too many directories');
    return key;
  }

  set(parts: Parts, mtimeS: number): void {
    this.#times.set(this.#key(parts), { parts, mtimeS, turn: ++this.#turn });
  }

  remove(parts: Parts): void {
    this.#removed.set(this.#key(parts), ++this.#turn);
  }

  /** In any order: the time of a directory does not change when that of one below is set. */
  *all(): Generator<{ readonly parts: Parts; readonly mtimeS: number }> {
    for (const { parts, mtimeS, turn } of this.#times.values())
      if (!this.#isRemoved(parts, turn)) yield { parts, mtimeS };
  }

  #isRemoved(parts: Parts, turn: number): boolean {
    if (this.#removed.size === 0) return false;
    return parts.some((_, at) => (this.#removed.get(parts.slice(0, at + 1).join('/')) ?? 0) > turn);
  }
}
