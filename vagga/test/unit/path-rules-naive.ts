// A second implementation of path rules, slow and by other means: no regular expressions, globs are walked as sets of positions,
// every pattern of every rule is tried and the outcome is chosen from the list of all hits.

type Piece =
  | { readonly kind: 'text'; readonly character: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'run' }
  | { readonly kind: 'above' }
  | { readonly kind: 'below' }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly members: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'choice'; readonly choices: readonly (readonly Piece[])[] };

function classAt(glob: readonly string[], start: number): { piece: Piece; end: number } | undefined {
  let end = start + 2;
  while (end < glob.length && glob[end] !== ']') end++;
  if (end >= glob.length) return undefined;
  const negated = glob[start + 1] === '!' || glob[start + 1] === '^';
  const body = glob.slice(start + (negated ? 2 : 1), end);
  const members: [string, string][] = [];
  for (let at = 0; at < body.length; at++) {
    const low = body[at] as string;
    const isRange = body[at + 1] === '-' && at + 2 < body.length;
    members.push([low, isRange ? (body[at + 2] as string) : low]);
    if (isRange) at += 2;
  }
  return { piece: { kind: 'class', negated, members }, end: end + 1 };
}

/** Reads until the end, or until `,` or `}` of the choice it is in. */
function parse(glob: readonly string[], start: number, depth: number): { pieces: Piece[]; end: number } {
  const pieces: Piece[] = [];
  let at = start;
  while (at < glob.length) {
    const character = glob[at] as string;
    const opensComponent = at === 0 || glob[at - 1] === '/';
    if (depth > 0 && (character === ',' || character === '}')) break;
    if (character === '*' && glob[at + 1] === '*' && opensComponent && glob[at + 2] === '/') {
      pieces.push({ kind: 'above' });
      at += 3;
    } else if (character === '*' && glob[at + 1] === '*' && opensComponent && at + 2 === glob.length) {
      pieces.push({ kind: 'below' });
      at += 2;
    } else if (character === '*') {
      pieces.push({ kind: 'run' });
      at += glob[at + 1] === '*' ? 2 : 1;
    } else if (character === '?') {
      pieces.push({ kind: 'any' });
      at++;
    } else if (character === '\\' && at + 1 < glob.length) {
      pieces.push({ kind: 'text', character: glob[at + 1] as string });
      at += 2;
    } else if (character === '{') {
      const choices: Piece[][] = [];
      do {
        const choice = parse(glob, at + 1, depth + 1);
        choices.push(choice.pieces);
        at = choice.end;
      } while (glob[at] === ',');
      pieces.push({ kind: 'choice', choices });
      at++;
    } else {
      const found = character === '[' ? classAt(glob, at) : undefined;
      pieces.push(found?.piece ?? { kind: 'text', character });
      at = found?.end ?? at + 1;
    }
  }
  return { pieces, end: at };
}

/** Where one piece can end when it begins at `from`. */
function ends(piece: Piece, path: readonly string[], from: number, crossing: boolean): number[] {
  const here = path[from];
  if (piece.kind === 'text') return here === piece.character ? [from + 1] : [];
  if (piece.kind === 'any') return here !== undefined && (crossing || here !== '/') ? [from + 1] : [];
  if (piece.kind === 'below') return Array.from({ length: path.length - from + 1 }, (_, n) => from + n);
  if (piece.kind === 'above') {
    return [from, ...path.flatMap((character, at) => (at >= from && character === '/' ? [at + 1] : []))];
  }
  if (piece.kind === 'run') {
    const found = [from];
    for (let at = from; at < path.length && (crossing || path[at] !== '/'); at++) found.push(at + 1);
    return found;
  }
  if (piece.kind === 'choice') return piece.choices.flatMap(choice => after(choice, path, [from], crossing));
  const point = (text: string): number => text.codePointAt(0) ?? 0;
  const isMember = piece.members.some(
    ([low, high]) => here !== undefined && point(here) >= point(low) && point(here) <= point(high),
  );
  return here !== undefined && isMember !== piece.negated ? [from + 1] : [];
}

function after(
  pieces: readonly Piece[],
  path: readonly string[],
  from: readonly number[],
  crossing: boolean,
): number[] {
  return pieces.reduce<number[]>(
    (positions, piece) => [...new Set(positions.flatMap(position => ends(piece, path, position, crossing)))],
    [...from],
  );
}

function globMatches(glob: string, path: string, crossing: boolean): boolean {
  const characters = [...path];
  return after(parse([...glob], 0, 0).pieces, characters, [0], crossing).includes(characters.length);
}

interface Hit {
  readonly is: 'out' | 'in' | 'way';
  readonly exact: boolean;
  readonly ofDirectories: boolean;
}

/** What each pattern of a rule says about a path, in the order of the patterns. */
function hitsOf(rule: string, path: string, isDirectory: boolean): Hit[] {
  let text = rule;
  const excludes = text.startsWith('!');
  if (excludes || text.startsWith('\\!')) text = text.slice(1);
  const crossing = !text.includes('/');
  const ofDirectories = text.endsWith('/');
  const anchored = text.startsWith('/');
  if (anchored) text = text.slice(1);
  if (text.endsWith('/')) text = text.slice(0, -1);
  const glob = anchored || text.startsWith('**/') ? text : `**/${text}`;
  const is = excludes ? 'out' : 'in';
  const tries: [string, Hit][] = [];
  if (!excludes) {
    for (let at = glob.indexOf('/'); at >= 0; at = glob.indexOf('/', at + 1))
      tries.push([glob.slice(0, at), { is: 'way', exact: true, ofDirectories: true }]);
  }
  if (glob !== '') tries.push([glob, { is, exact: true, ofDirectories }]);
  const below: Hit = { is, exact: false, ofDirectories: false };
  if (glob === '') tries.push(['**/*', below]);
  else if (ofDirectories) tries.push([`${glob}/**/*`, below]);
  else if (!glob.endsWith('/**')) tries.push([`${glob}/**`, below]);
  return tries
    .filter(([, hit]) => isDirectory || !hit.ofDirectories)
    .filter(([pattern]) => globMatches(pattern, path, crossing))
    .map(([, hit]) => hit);
}

export function naiveVerdict(rules: readonly string[], path: string, isDirectory: boolean) {
  const hits = rules.flatMap(rule => hitsOf(rule, path, isDirectory));
  const decisive = hits.filter(({ exact }) => exact).at(-1) ?? hits.at(-1);
  if (decisive === undefined || decisive.is === 'out') return 'excluded';
  if (decisive.is === 'way' || (isDirectory && !decisive.ofDirectories)) return 'walk';
  return 'included';
}
