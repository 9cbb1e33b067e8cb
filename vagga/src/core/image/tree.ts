// Which files of a tree `!Copy` and `!Depends` mean. The hash and the copying use the very same list.
import { byCodePoint } from '../../config/order.ts';
import { pathRegex } from './path-regex.ts';
import { compileRules, DEFAULT_RULES, rulesProblem, type Verdict } from './rules.ts';

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits, `st_mode & 0o7777`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Synchronous on purpose: a run checks the hash before anything else, and awaiting each file would cost more than reading it. */
export interface TreeReader {
  /** Does not follow a symlink; undefined when absent. */
  lstat(path: string): FileStat | undefined;
  list(path: string): readonly string[];
  /** What a path leads to, through symlinks. */
  stat(path: string): FileStat | undefined;
  /** Content of a file, piece by piece: it may be larger than the memory. */
  pieces(path: string): Iterable<Uint8Array>;
  /** Undefined when absent. */
  readText(path: string): string | undefined;
  readLink(path: string): string;
}

export interface Filter {
  readonly ignoreRegex?: string;
  readonly includeRegex?: string;
  readonly rules: readonly string[];
  readonly noDefaultRules?: boolean;
}

/** `path` is absolute below the source's name, e.g. `/work/dir/file`; `relative` is '' for the source itself. */
export interface TreeEntry {
  readonly path: string;
  readonly relative: string;
  readonly stat: FileStat;
}

const DEFAULT_IGNORE = '(^|/)\\.(git|hg|svn|vagga)($|/)|~$|\\.bak$|\\.orig$|^#.*#$';

type Decide = (path: string, isDirectory: boolean) => Verdict;

function regexDecision(filter: Filter): Decide {
  const ignore = pathRegex(filter.ignoreRegex ?? DEFAULT_IGNORE);
  const include = filter.includeRegex === undefined ? undefined : pathRegex(filter.includeRegex);
  return (path, isDirectory) => {
    if (ignore.test(path)) return 'excluded';
    if (include === undefined || include.test(path)) return 'included';
    return isDirectory ? 'walk' : 'excluded';
  };
}

function usesRules(filter: Filter): boolean {
  return filter.rules.length > 0 || filter.noDefaultRules !== undefined;
}

function regexProblem(source: string | undefined): string | undefined {
  try {
    if (source !== undefined) pathRegex(source);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why a filter cannot be used, or undefined. */
export function filterProblem(filter: Filter): string | undefined {
  const regexes = filter.ignoreRegex !== undefined || filter.includeRegex !== undefined;
  if (usesRules(filter) && regexes) {
    return 'You must specify either rules or regular expressions but not both';
  }
  return rulesProblem(filter.rules) ?? regexProblem(filter.ignoreRegex) ?? regexProblem(filter.includeRegex);
}

function decision(filter: Filter): Decide {
  if (filter.rules.length === 0) return regexDecision(filter);
  return compileRules(filter.noDefaultRules === true ? filter.rules : [...DEFAULT_RULES, ...filter.rules]);
}

/** Component-wise: `a/b` stands before `a.b`, although `.` is smaller than `/`. Within a component bytes decide. */
function sorted(entries: Iterable<TreeEntry>): TreeEntry[] {
  const keyed = [...entries].map(entry => ({ key: entry.relative.replaceAll('/', '\0'), entry }));
  return keyed.sort((left, right) => byCodePoint(left.key, right.key)).map(({ entry }) => entry);
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}

/** Parents of a selected entry are part of the list even when no rule names them. */
function addWithParents(
  entries: Map<string, TreeEntry>,
  trail: readonly TreeEntry[],
  entry: TreeEntry,
): void {
  for (const item of [...trail, entry]) entries.set(item.relative, item);
}

/** Returns undefined when the source does not exist. `root` is the source as the step names it. */
export function selectTree(reader: TreeReader, root: string, filter: Filter): TreeEntry[] | undefined {
  const stat = reader.lstat(root);
  if (stat === undefined) return undefined;
  const top: TreeEntry = { path: root, relative: '', stat };
  if (stat.kind !== 'directory') return [top];
  const entries = new Map<string, TreeEntry>([['', top]]);
  const decide = decision(filter);
  // The source itself counts as it is written, with or without a slash at its end.
  const base = root.replace(/\/+$/, '');
  const walk = (trail: readonly TreeEntry[], parent: TreeEntry): void => {
    for (const name of reader.list(parent.path)) {
      const relative = join(parent.relative, name);
      const path = `${base}/${relative}`;
      const found = reader.lstat(path);
      if (found === undefined) continue;
      const entry: TreeEntry = { path, relative, stat: found };
      const isDirectory = found.kind === 'directory';
      const verdict = decide(relative, isDirectory);
      if (verdict === 'excluded') continue;
      if (verdict === 'included') addWithParents(entries, trail, entry);
      if (isDirectory) walk([...trail, entry], entry);
    }
  };
  walk([], top);
  return sorted(entries.values());
}
