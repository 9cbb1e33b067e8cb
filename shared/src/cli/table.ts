export interface TableOptions {
  readonly header?: readonly string[];
  /** Columns to push to the right edge: numbers. */
  readonly right?: readonly number[];
  /** Lines are cut to this many columns. */
  readonly width?: number;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are control characters
const COLOUR_CODES = /\x1b\[[0-9;]*m/g;

/** Aligned columns, two blanks apart, as text with a newline after each row. Colour codes take no room. */
export function printTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const all = options.header === undefined ? rows : [options.header, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, columnsOf(cell));
  }
  return all.map(row => `${cut(line(row, widths, options.right ?? []), options.width)}\n`).join('');
}

function line(row: readonly string[], widths: readonly number[], right: readonly number[]): string {
  const cells = row.map((cell, column) => {
    const blanks = ' '.repeat((widths[column] ?? 0) - columnsOf(cell));
    return right.includes(column) ? blanks + cell : cell + blanks;
  });
  return cells.join('  ').trimEnd();
}

function cut(text: string, width: number | undefined): string {
  if (width === undefined || columnsOf(text) <= width) return text;
  return `${[...text.replace(COLOUR_CODES, '')].slice(0, Math.max(1, width - 1)).join('')}…`;
}

/** One column per code point: names in this suite are Latin. */
function columnsOf(text: string): number {
  return [...text.replace(COLOUR_CODES, '')].length;
}
