// What is different between two texts, by lines: the longest common subsequence, the way every diff does it.

/** The table is quadratic; a process config of that size is written by a program, and nobody reads its diff. */
const LINES_MAX = 2_000;
const CONTEXT = 2;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Lengths of the longest common subsequences of all suffixes. */
function table(before: readonly string[], after: readonly string[]): Uint16Array[] {
  const rows = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    const [row, below] = [rows[i] as Uint16Array, rows[i + 1] as Uint16Array];
    for (let j = after.length - 1; j >= 0; j--) {
      const same = before[i] === after[j];
      row[j] = same ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return rows;
}

function compare(before: readonly string[], after: readonly string[]): Line[] {
  const lengths = table(before, after);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: ' ', text: before[i] as string });
      i++;
      j++;
    } else if (
      j >= after.length ||
      (i < before.length && (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))
    ) {
      lines.push({ mark: '-', text: before[i++] as string });
    } else lines.push({ mark: '+', text: after[j++] as string });
  }
  return lines;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Lines marked `-`, `+` or (two around each change) with a blank; empty when the texts have the same lines. */
export function diff(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  if (Math.max(old.length, now.length) > LINES_MAX)
    return before === after ? [] : [`(more than ${LINES_MAX} lines: not compared)`];
  const lines = compare(old, now);
  const isNear = (index: number) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== ' ');
  return lines.filter((_line, index) => isNear(index)).map(({ mark, text }) => `${mark} ${text}`);
}
