import type { Position } from '../schema/diagnostic.ts';

/** Offsets of one text ↔ lines and columns. An offset outside is moved to the nearest end, so a position is always in the file. */
export class Lines {
  private readonly starts: number[] = [0];
  private readonly length: number;
  /** Index of the line found last: most questions are about the same line or the next one. */
  private last = 0;

  constructor(text: string) {
    this.length = text.length;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }

  at(offset: number): { line: number; column: number } {
    const inside = Math.max(0, Math.min(offset, this.length));
    const index = this.lineIndex(inside);
    return { line: index + 1, column: inside - (this.starts[index] ?? 0) + 1 };
  }

  /** `endColumn` only when start and end share a line and something is between them. */
  span(start: number, end: number): Position {
    const { line, column } = this.at(start);
    const endColumn = this.endColumn(line, column, end);
    return endColumn === undefined ? { line, column } : { line, column, endColumn };
  }

  /** A `span` of the text called `file`. */
  place(file: string, start: number, end: number): Position & { readonly file: string } {
    const { line, column } = this.at(start);
    const endColumn = this.endColumn(line, column, end);
    return endColumn === undefined ? { file, line, column } : { file, line, column, endColumn };
  }

  private endColumn(line: number, column: number, end: number): number | undefined {
    const inside = Math.max(0, Math.min(end, this.length));
    const found = inside - (this.starts[line - 1] ?? 0) + 1;
    return found > column && inside < (this.starts[line] ?? Number.POSITIVE_INFINITY) ? found : undefined;
  }

  private lineIndex(offset: number): number {
    if (!this.holds(this.last, offset))
      this.last = this.holds(this.last + 1, offset) ? this.last + 1 : this.search(offset);
    return this.last;
  }

  private holds(index: number, offset: number): boolean {
    const start = this.starts[index];
    return (
      start !== undefined && start <= offset && offset < (this.starts[index + 1] ?? Number.POSITIVE_INFINITY)
    );
  }

  private search(offset: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
