// Shell globs to regular expressions: `*`, `?`, `**`, `[…]`, `{a,b}` and `\` escapes.

const SPECIAL = /[*?.+^$()|\\/{}[\]]/;

function quote(character: string): string {
  return SPECIAL.test(character) ? `\\${character}` : character;
}

/** `[a-z]` or `[!a-z]` at `start`; undefined when there is no closing bracket. */
function characterClass(glob: string, start: number): { source: string; end: number } | undefined {
  const end = glob.indexOf(']', start + 2);
  if (end < 0) return undefined;
  const body = glob.slice(start + 1, end);
  const negated = body.startsWith('!') || body.startsWith('^');
  const set = (negated ? body.slice(1) : body).replace(/[\\\]^]/g, '\\$&');
  return { source: `[${negated ? '^' : ''}${set}]`, end };
}

/** `**` as a whole component spans directories; elsewhere it means the same as `*`. */
function star(glob: string, at: number, any: string): { source: string; next: number } {
  if (glob[at + 1] !== '*') return { source: `${any}*`, next: at + 1 };
  const startsComponent = at === 0 || glob[at - 1] === '/';
  if (startsComponent && glob[at + 2] === '/') return { source: '(?:.*/)?', next: at + 3 };
  if (startsComponent && at + 2 === glob.length) return { source: '.*', next: at + 2 };
  return { source: `${any}*`, next: at + 2 };
}

/** `slashIsSpecial`: `*` and `?` do not cross `/`. The whole path must match. Throws SyntaxError for a class like `[z-a]`. */
export function globToRegExp(glob: string, slashIsSpecial: boolean): RegExp {
  const any = slashIsSpecial ? '[^/]' : '.';
  let source = '';
  let depth = 0;
  for (let at = 0; at < glob.length; ) {
    const character = glob[at] as string;
    if (character === '*') {
      const found = star(glob, at, any);
      source += found.source;
      at = found.next;
      continue;
    }
    const set = character === '[' ? characterClass(glob, at) : undefined;
    if (set !== undefined) {
      source += set.source;
      at = set.end + 1;
      continue;
    }
    if (character === '\\' && at + 1 < glob.length) source += quote(glob[++at] as string);
    else if (character === '?') source += any;
    else if (character === '{') {
      source += '(?:';
      depth++;
    } else if (character === '}' && depth > 0) {
      source += ')';
      depth--;
    } else if (character === ',' && depth > 0) source += '|';
    else source += quote(character);
    at++;
  }
  return new RegExp(`^${source}${')'.repeat(depth)}$`, 'su');
}
