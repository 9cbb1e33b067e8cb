/**
 * Globs with one captured part: `/etc/app/(*).conf`. `*` and `?` stay inside one path component and do not match a leading dot,
 * a component `**` matches any depth, parentheses mark what is captured.
 */
export interface Glob {
  /** Directory below which every match lies; where a walk has to start. */
  readonly base: string;
  /** The captured text of `path`, or undefined when it does not match. */
  match(path: string): string | undefined;
  /** The path for a captured text; for patterns whose only wildcard is the captured `*`. */
  fill(captured: string): string;
}

const MAX_PATTERN = 4096;

/** What is wrong with a pattern, or undefined. References such as `{{ role }}` are letters here. */
export function globProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN) return `a pattern has at most ${MAX_PATTERN} characters`;
  if (!pattern.startsWith('/')) return 'a pattern must be an absolute path';
  const opened = pattern.split('(').length - 1;
  const closed = pattern.split(')').length - 1;
  if (opened !== 1 || closed !== 1 || pattern.indexOf('(') > pattern.indexOf(')')) {
    return 'a pattern must capture one part in parentheses, like (*).conf';
  }
  return undefined;
}

function escapeText(text: string): string {
  return text.replace(/[.+^${}|\\[\]]/g, '\\$&');
}

/** Translates one component or a part of it; `atStart`: a wildcard here must not match a dot. */
function translate(pattern: string): string {
  let result = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string;
    const atStart = /(^|\/)\(?$/.test(pattern.slice(0, at));
    const rest = pattern.slice(at);
    if (atStart && /^\*\*\//.test(rest)) {
      result += '(?:[^/.][^/]*/)*';
      at += 2;
    } else if (atStart && /^\*\*\)?$/.test(rest)) {
      result += '(?:[^/.][^/]*/)*[^/.][^/]*';
      at += 1;
    } else if (char === '*') result += atStart ? '(?!\\.)[^/]*' : '[^/]*';
    else if (char === '?') result += atStart ? '[^/.]' : '[^/]';
    else result += char === '(' || char === ')' ? char : escapeText(char);
  }
  return result;
}

/** Call `globProblem` first. */
export function parseGlob(pattern: string): Glob {
  const regex = new RegExp(`^${translate(pattern)}$`);
  const fixed = pattern.slice(0, pattern.search(/[*?(]/));
  const base = fixed.slice(0, fixed.lastIndexOf('/')) || '/';
  return {
    base,
    match: path => regex.exec(path)?.[1],
    fill: captured => pattern.replace(/\(.*\)/, () => captured),
  };
}
