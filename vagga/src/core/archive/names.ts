// Where an entry of an archive goes: names become lists of plain components or an error, never a way out.
import { shown, utf8Text } from './byte-text.ts';
import { ArchiveError } from './error.ts';
import type { ArchiveLimits } from './limits.ts';

/** Of Linux file systems. */
const COMPONENT_BYTES_MAX = 255;

/** `/` in front and `.` are dropped; the directory itself is `[]`. Throws for `..`, NUL and what no file system takes. */
export function nameParts(name: string, limits: ArchiveLimits): readonly string[] {
  if (name === '') throw new ArchiveError('the archive has an entry without a name');
  if (name.includes('\0')) throw new ArchiveError(`the archive has a name with a zero byte: ${shown(name)}`);
  if (name.length > limits.nameBytes) {
    throw new ArchiveError(`the archive has a name of more than ${limits.nameBytes} bytes: ${shown(name)}`);
  }
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  if (parts.includes('..')) {
    throw new ArchiveError(`the archive has a name that leads out of it: ${shown(name)}`);
  }
  if (parts.length > limits.depth) {
    throw new ArchiveError(
      `the archive has more than ${limits.depth} directories in each other: ${shown(name)}`,
    );
  }
  const long = parts.find(part => part.length > COMPONENT_BYTES_MAX);
  if (long !== undefined) {
    throw new ArchiveError(
      `the archive has a file name of more than ${COMPONENT_BYTES_MAX} bytes: ${shown(long)}`,
    );
  }
  return parts;
}

/** Selects what is below one directory of an archive, with that directory stripped. */
export class Subdir {
  readonly #wanted: readonly string[];
  readonly #text: string;
  /** True once something of the directory was seen. */
  found = false;

  /** `''` and `.` select everything. */
  constructor(subdir: string) {
    this.#text = subdir;
    this.#wanted = utf8Text(subdir)
      .split('/')
      .filter(part => part !== '' && part !== '.');
    if (this.#wanted.includes('..')) throw new ArchiveError(`subdir must not contain "..": "${subdir}"`);
  }

  get isAll(): boolean {
    return this.#wanted.length === 0;
  }

  /** The parts below the directory, `[]` for the directory itself, undefined for everything else. */
  strip(parts: readonly string[]): readonly string[] | undefined {
    if (this.#wanted.some((part, index) => parts[index] !== part)) return undefined;
    this.found = true;
    return parts.slice(this.#wanted.length);
  }

  /** Throws when nothing of it was in the archive. */
  mustBeFound(): void {
    if (!this.isAll && !this.found) {
      throw new ArchiveError(`${JSON.stringify(this.#text)} is not found in archive`);
    }
  }
}
