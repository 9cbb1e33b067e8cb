// Path rules of `!Copy` and `!Depends`, in the manner of .gitignore turned round: `/dir`, `/**/*.py`, `!*.bak`.
// Every rule compiles to patterns that are scanned from the last to the first; the first exact hit decides. That upstream keeps only
// the last of equal patterns makes no difference to that.
import { globToRegExp } from './glob.ts';

/** What to do with a path: leave it (and what is below), walk through it, or take it. */
export type Verdict = 'excluded' | 'walk' | 'included';

interface Pattern {
  readonly matches: RegExp;
  readonly kind: 'exclude' | 'include' | 'intermediate';
  readonly exact: boolean;
  readonly directoryOnly: boolean;
}

export const DEFAULT_RULES: readonly string[] = [
  '!.git/',
  '!.hg/',
  '!.svn/',
  '!.vagga/',
  '!*.bak',
  '!*.orig',
  '!*~',
  '!#*#',
  '!.#*',
];

interface ParsedRule {
  readonly exclude: boolean;
  readonly glob: string;
  readonly directoryOnly: boolean;
  readonly slashIsSpecial: boolean;
}

function parseRule(rule: string): ParsedRule {
  const exclude = rule.startsWith('!');
  const text = exclude ? rule.slice(1) : rule.startsWith('\\!') ? rule.slice(1) : rule;
  const anchored = text.startsWith('/');
  const directoryOnly = text.endsWith('/');
  const bare = text.replace(/^\//, '').replace(/\/$/, '');
  const glob = anchored || bare.startsWith('**/') ? bare : `**/${bare}`;
  return { exclude, glob, directoryOnly, slashIsSpecial: text.includes('/') };
}

function compileRule(rule: string): Pattern[] {
  const { exclude, glob, directoryOnly, slashIsSpecial } = parseRule(rule);
  const make = (source: string, kind: Pattern['kind'], exact: boolean, only: boolean): Pattern => ({
    kind,
    exact,
    directoryOnly: only,
    matches: globToRegExp(source, slashIsSpecial),
  });
  const own = exclude ? 'exclude' : 'include';
  const parts = glob.split('/');
  const leading = exclude ? [] : parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
  const patterns = leading.map(part => make(part, 'intermediate', true, true));
  if (glob !== '') patterns.push(make(glob, own, true, directoryOnly));
  if (directoryOnly || glob === '')
    patterns.push(make(glob === '' ? '**/*' : `${glob}/**/*`, own, false, false));
  else if (!glob.endsWith('/**')) patterns.push(make(`${glob}/**`, own, false, false));
  return patterns;
}

/** Why a list of rules cannot be used, or undefined. */
export function rulesProblem(rules: readonly string[]): string | undefined {
  const relative = rules.find(rule => !rule.startsWith('!') && !rule.startsWith('/'));
  if (relative !== undefined)
    return `Relative paths are allowed only for excluding rules: ${JSON.stringify(relative)}`;
  for (const rule of rules) {
    try {
      compileRule(rule);
    } catch (error) {
      return `${JSON.stringify(rule)} is not a pattern: ${(error as Error).message}`;
    }
  }
  return undefined;
}

/** Without one nothing is taken: hardly what somebody wants who writes rules. */
export const includesNothing = (rules: readonly string[]): boolean =>
  rules.length > 0 && rules.every(rule => rule.startsWith('!'));

function decide(patterns: readonly Pattern[], path: string, isDirectory: boolean): Pattern | undefined {
  let loose: Pattern | undefined;
  for (let index = patterns.length - 1; index >= 0; index--) {
    const pattern = patterns[index] as Pattern;
    if (pattern.directoryOnly && !isDirectory) continue;
    if (!pattern.matches.test(path)) continue;
    if (pattern.exact) return pattern;
    loose ??= pattern;
  }
  return loose;
}

/** A function from path (relative to the source, no leading slash) to verdict. */
export function compileRules(rules: readonly string[]): (path: string, isDirectory: boolean) => Verdict {
  const patterns = rules.flatMap(compileRule);
  return (path, isDirectory) => {
    const hit = decide(patterns, path, isDirectory);
    if (hit === undefined || hit.kind === 'exclude') return 'excluded';
    if (hit.kind === 'intermediate') return 'walk';
    return isDirectory && !hit.directoryOnly ? 'walk' : 'included';
  };
}
