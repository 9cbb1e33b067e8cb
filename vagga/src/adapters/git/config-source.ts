// Configs that `!SubConfig` reads from a repository. The commit is kept as a reference in the mirror, so an identity needs no
// server and stays the same until somebody asks for a newer one; the files are read out of the mirror, where nothing leads out.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CONFIG_BYTES_MAX } from '../../config/defaults.ts';
import type { ReadFile } from '../../config/read-config.ts';
import type { Checkout } from '../../core/steps/git-actions.ts';
import type { Layout } from '../image/layout.ts';
import { mirrorName } from './mirror.ts';
import { gitNow } from './now.ts';

/** Not in refs/heads: `!Git` steps move those whenever they are built. */
export function pinOf({ revision, branch }: Checkout): string {
  const wanted = revision === undefined ? ['branch', branch ?? null] : ['revision', revision];
  return `refs/vagga/config/${createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16)}`;
}

export const mirrorOf = (layout: Layout, url: string): string => layout.cache(join('git', mirrorName(url)));

export interface PinnedConfig {
  readonly mirror: string;
  readonly commit: string;
  /** Changes when another commit is pinned. */
  readonly pinFile: string;
}

/** Undefined: never fetched, or the cache was cleaned. */
export function pinnedConfig(layout: Layout, wanted: Checkout): PinnedConfig | undefined {
  const mirror = mirrorOf(layout, wanted.url);
  const pin = pinOf(wanted);
  const found = gitNow(['--git-dir', mirror, 'rev-parse', '--verify', '--quiet', `${pin}^{commit}`]);
  if (found instanceof Error) return undefined;
  return { mirror, commit: found.toString('utf8').trim(), pinFile: join(mirror, pin) };
}

type Content = ReturnType<ReadFile>;

/** Of `git cat-file --batch --follow-symlinks`, which says what it met when it cannot follow. */
function contentOf(answer: Buffer): Content {
  const end = answer.indexOf('\n');
  const head = answer.subarray(0, end).toString('utf8');
  const [, kind, size] = /^[0-9a-f]+ (\w+) (\d+)$/.exec(head) ?? [];
  if (kind === 'blob') return answer.subarray(end + 1, end + 1 + Number(size)).toString('utf8');
  if (kind !== undefined) return { error: 'it is not a file' };
  if (head.startsWith('symlink ')) return { error: 'it leads out of the repository' };
  return head.startsWith('loop ') ? { error: 'its links go round in a circle' } : undefined;
}

function readBlob(mirror: string, name: string): Content {
  const words = ['--git-dir', mirror, 'cat-file', '--batch', '--follow-symlinks'];
  const answer = gitNow(words, { input: `${name}\n`, bytesMax: CONFIG_BYTES_MAX + name.length + 100 });
  if (!(answer instanceof Error)) return contentOf(answer);
  const isLarge = (answer as NodeJS.ErrnoException).code === 'ENOBUFS';
  return { error: isLarge ? `it is larger than ${CONFIG_BYTES_MAX} bytes` : answer.message };
}

/** What a commit holds never changes, and one build looks at it several times. */
const known = new Map<string, Content>();

/** Reads files of the commit by names that start with `origin` and a slash. */
export function readCommit({ mirror, commit }: PinnedConfig, origin: string): ReadFile {
  return path => {
    const parts = path
      .slice(origin.length + 1)
      .split('/')
      .filter(part => part !== '' && part !== '.');
    if (parts.includes('..') || path.includes('\n')) return { error: 'it leads out of the repository' };
    const name = `${commit}:${parts.join('/')}`;
    const key = `${mirror}\0${name}`;
    if (!known.has(key)) known.set(key, readBlob(mirror, name));
    return known.get(key);
  };
}
