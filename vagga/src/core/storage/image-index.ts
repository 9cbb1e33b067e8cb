// The index of an image: what each file is, so that damage can be found and identical files can be shared. A line of JSON per
// entry, sorted by path; the last line is the digest of all before it. Paths hold one character per byte.

export interface IndexEntry {
  /** Below the root, with a slash in front. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of files. */
  readonly sizeBytes?: number;
  /** SHA-256 of a file's content; the target of a symlink. */
  readonly content?: string;
}

const HEADER = '{"index":"vagga","version":1}';

export type Digest = (text: string) => string;

export function formatIndex(entries: readonly IndexEntry[], digest: Digest): string {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const text = `${[HEADER, ...sorted.map(entry => JSON.stringify(entry))].join('\n')}\n`;
  return `${text}${digest(text)}\n`;
}

/** Undefined: not one of ours, or damaged itself. */
export function parseIndex(text: string, digest: Digest): IndexEntry[] | undefined {
  const end = text.trimEnd().lastIndexOf('\n') + 1;
  const body = text.slice(0, end);
  if (!body.startsWith(`${HEADER}\n`) || text.slice(end).trim() !== digest(body)) return undefined;
  return body
    .trimEnd()
    .split('\n')
    .slice(1)
    .map(line => JSON.parse(line) as IndexEntry);
}

export interface Comparison {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly corrupted: readonly string[];
}

/** Paths, sorted. */
export function compareIndex(recorded: readonly IndexEntry[], found: readonly IndexEntry[]): Comparison {
  const now = new Map(found.map(entry => [entry.path, JSON.stringify(entry)]));
  const before = new Map(recorded.map(entry => [entry.path, JSON.stringify(entry)]));
  const paths = [...before.keys()];
  return {
    missing: paths.filter(path => !now.has(path)),
    extra: [...now.keys()].filter(path => !before.has(path)).sort(),
    corrupted: paths.filter(path => now.has(path) && now.get(path) !== before.get(path)),
  };
}

/** Files that may become one: everything about them is the same, where they are too. */
export function identicalFiles(ours: readonly IndexEntry[], theirs: readonly IndexEntry[]): IndexEntry[] {
  const known = new Map(theirs.map(entry => [entry.path, JSON.stringify(entry)]));
  return ours.filter(
    entry =>
      entry.kind === 'file' && (entry.sizeBytes ?? 0) > 0 && known.get(entry.path) === JSON.stringify(entry),
  );
}
