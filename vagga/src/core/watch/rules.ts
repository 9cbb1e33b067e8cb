// Which changed files lead to what: the `watch` rules of a command. All paths are relative to the project.

import { WATCH_IGNORED } from '../../config/defaults.ts';
import type { WatchRule } from '../../config/model.ts';
import { globToRegExp } from '../image/glob.ts';

/** Everything of the project. */
export const WHOLE_PROJECT: WatchRule = { path: '.', ignore: [], action: 'restart' };

const clean = (path: string): string => path.replace(/^(\.\/)+|\/+$/g, '') || '.';

/** The path below that of the rule (`''`: it is the very path); undefined: it is somewhere else. */
export function below(rule: Pick<WatchRule, 'path'>, path: string): string | undefined {
  const top = clean(rule.path);
  if (top === '.') return path;
  if (path === top) return '';
  return path.startsWith(`${top}/`) ? path.slice(top.length + 1) : undefined;
}

/** A pattern without a slash means a name at any depth, another one the path below that of the rule. */
function matches(pattern: string, path: string): boolean {
  const glob = globToRegExp(clean(pattern), true);
  if (clean(pattern).includes('/')) {
    const parts = path.split('/');
    return parts.some((_, index) => glob.test(parts.slice(0, index + 1).join('/')));
  }
  return path.split('/').some(name => glob.test(name));
}

/** Also true for what is in an ignored directory. */
export function isIgnored(rule: WatchRule, path: string): boolean {
  const inner = below(rule, path);
  return inner === undefined || [...WATCH_IGNORED, ...rule.ignore].some(pattern => matches(pattern, inner));
}

/** Paths that a rule is about. */
export function hits(rule: WatchRule, paths: readonly string[]): string[] {
  return paths.filter(path => !isIgnored(rule, path));
}
