/** Words longer than this are no typing mistakes; the distance table would only cost time. */
const MAX_WORD = 64;
/** No list a person could mistake a word of is longer, and a file from elsewhere may make one of any length. */
const MAX_CANDIDATES = 500;

/**
 * The candidate a user most likely meant, or undefined when none is close: at most one slip per three letters
 * (insert, delete, replace, swap neighbours), `-` and `_` and letter case being equal; else a candidate that starts with the word.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = fold(word);
  if (wanted === '' || wanted.length > MAX_WORD || candidates.length > MAX_CANDIDATES) return undefined;
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    const distance = slips(wanted, fold(candidate));
    if (distance < bestDistance && distance < wanted.length) [best, bestDistance] = [candidate, distance];
  }
  return (
    best ??
    (wanted.length >= 3 ? candidates.find(candidate => fold(candidate).startsWith(wanted)) : undefined)
  );
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** Optimal string alignment distance (Damerau-Levenshtein without repeated edits of one place). */
function slips(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + same,
          swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
