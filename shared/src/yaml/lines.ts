import type { Position } from '../schema/diagnostic.ts';

/** Offsets of one text ↔ lines and columns. An offset outside is moved to the nearest end, so a position is always in the file. */
export class Lines {
  private readonly starts: number[] = [0];
  private readonly length: number;

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
    const first = this.at(start);
    const last = this.at(end);
    return last.line === first.line && last.column > first.column
      ? { ...first, endColumn: last.column }
      : first;
  }

  private lineIndex(offset: number): number {
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
