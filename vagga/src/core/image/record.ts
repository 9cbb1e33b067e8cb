// What the identity of an image was made of, kept beside the image: short enough to be written with every build, detailed enough to
// say later which file of which step has changed.
import { stepTitle } from '../step-title.ts';
import type { Part } from './fields.ts';

/** Raised when older records cannot be compared any more. */
export const RECORD_FORMAT = 1;

/** A longer value is kept as its checksum: scripts are shorter, data need not be told apart in detail. */
const VALUE_CHARACTERS_MAX = 4096;

/** `at`: `FILE:LINE` of where the value was read. */
export type RecordedField = readonly [key: string, value: string, at?: string];

/** Path, what it is (mode, owner, where a link leads), checksum of the content. */
export type RecordedEntry = readonly [path: string, is: string, content: string];

/** JSON; what is empty is left out. */
export interface RecordedStep {
  readonly title: string;
  /** `FILE:LINE` of the config. */
  readonly at: string;
  readonly fields?: readonly RecordedField[];
  readonly lists?: readonly (readonly [key: string, values: readonly string[]])[];
  readonly entries?: readonly RecordedEntry[];
  /** Of the container that this step names. */
  readonly steps?: readonly RecordedStep[];
}

export interface IdentityRecord {
  readonly format: number;
  readonly hash: string;
  /** Id ranges and data directories. */
  readonly lists: readonly (readonly [key: string, values: readonly string[]])[];
  readonly steps: readonly RecordedStep[];
}

/** A checksum in the making. */
export interface Digest {
  update(data: string | Uint8Array): void;
  /** Some digits of it. */
  short(): string;
}

/** Filled in place while the parts come: a tree of 10,000 files must not be copied for each of them. */
interface Open {
  readonly title: string;
  readonly at: string;
  readonly fields: RecordedField[];
  readonly lists: (readonly [string, readonly string[]])[];
  readonly entries: [string, string, string][];
  readonly steps: RecordedStep[];
}

const opened = (title: string, at: string): Open => ({
  title,
  at,
  fields: [],
  lists: [],
  entries: [],
  steps: [],
});

function closed({ title, at, fields, lists, entries, steps }: Open): RecordedStep {
  return {
    title,
    at,
    ...(fields.length > 0 && { fields }),
    ...(lists.length > 0 && { lists }),
    ...(entries.length > 0 && { entries }),
    ...(steps.length > 0 && { steps }),
  };
}

/** Fields that belong to the entry whose name came before. */
const OF_ENTRIES = new Set(['mode', 'uid', 'gid', 'is_executable', 'symlink']);

export class Recorder {
  readonly #newDigest: () => Digest;
  #content: Digest | undefined;
  readonly #root = opened('', '');
  readonly #stack: Open[] = [this.#root];

  constructor(newDigest: () => Digest) {
    this.#newDigest = newDigest;
  }

  readonly part = (part: Part): void => {
    if (part.kind === 'data') this.#content?.update(part.data);
    else {
      this.#endFile();
      this.#take(part);
    }
  };

  #take(part: Exclude<Part, { kind: 'data' }>): void {
    const current = this.#stack.at(-1) as Open;
    if (part.kind === 'step') {
      const { file, line } = part.step;
      this.#stack.push(opened(stepTitle(part.step), `${file}:${line}`));
    } else if (part.kind === 'end') {
      this.#stack.pop();
      this.#stack.at(-1)?.steps.push(closed(current));
    } else if (part.kind === 'list') current.lists.push([part.key, part.values]);
    else if (part.kind === 'file') this.#beginFile(current, part.path);
    else this.#field(current, part);
  }

  #beginFile({ entries }: Open, path: string): void {
    // Read for its content alone, or the content of the entry whose fields have just come.
    if (entries.at(-1)?.[0] !== path) entries.push([path, '', '']);
    this.#content = this.#newDigest();
  }

  #endFile(): void {
    const last = this.#stack.at(-1)?.entries.at(-1);
    if (this.#content !== undefined && last !== undefined) last[2] = this.#content.short();
    this.#content = undefined;
  }

  #field({ fields, entries }: Open, { key, value, at }: Extract<Part, { key: string; value: string }>): void {
    const last = entries.at(-1);
    if (key === 'filename') entries.push([value, '', '']);
    else if (last !== undefined && OF_ENTRIES.has(key)) last[1] = `${last[1]} ${key} ${value}`.trim();
    else fields.push(at === undefined ? [key, this.#short(value)] : [key, this.#short(value), at]);
  }

  #short(value: string): string {
    if (value.length <= VALUE_CHARACTERS_MAX) return value;
    const digest = this.#newDigest();
    digest.update(value);
    return `${value.length} characters, ${digest.short()}`;
  }

  record(hash: string): IdentityRecord {
    const { lists, steps } = this.#root;
    return { format: RECORD_FORMAT, hash, lists, steps };
  }
}
