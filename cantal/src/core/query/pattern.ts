// Matching in time proportional to text × pattern, whatever the pattern (Thompson's construction): a query comes from
// the network, and a backtracking engine can be kept busy for years by thirty characters.
import { type CharTest, type Node, PatternError, parsePattern, word } from './pattern-parse.ts';

type Instruction =
  | { op: 'char'; test: CharTest }
  | { op: 'at'; place: 'start' | 'end' | 'word' | 'not-word' }
  | { op: 'split'; to: number }
  | { op: 'jump'; to: number }
  | { op: 'match' };

/** Counted repetitions are written out, so a program can be much longer than its pattern. */
const MAX_PROGRAM = 4000;
/** Longer labels are compared by their beginning. */
const MAX_TEXT = 1024;

class Compiler {
  readonly program: Instruction[] = [];
  #added = 0;

  emit(instruction: Instruction): Instruction {
    if (this.program.length >= MAX_PROGRAM) throw new PatternError('the pattern is too large');
    this.program.push(instruction);
    return instruction;
  }

  add(node: Node): void {
    // An empty group repeated a thousand times a thousand times emits nothing and must end all the same.
    if (++this.#added > MAX_PROGRAM) throw new PatternError('the pattern is too large');
    switch (node.kind) {
      case 'char':
        this.emit({ op: 'char', test: node.test });
        return;
      case 'at':
        this.emit({ op: 'at', place: node.place });
        return;
      case 'all':
        for (const part of node.parts) this.add(part);
        return;
      case 'any':
        this.#alternatives(node.parts);
        return;
      case 'repeat':
        this.#repeat(node.part, node.min, node.max);
    }
  }

  #alternatives(parts: readonly Node[]): void {
    const jumps: { op: 'jump'; to: number }[] = [];
    parts.forEach((part, index) => {
      if (index === parts.length - 1) {
        this.add(part);
        return;
      }
      const split = { op: 'split' as const, to: 0 };
      this.emit(split);
      this.add(part);
      const jump = { op: 'jump' as const, to: 0 };
      jumps.push(jump);
      this.emit(jump);
      split.to = this.program.length;
    });
    for (const jump of jumps) jump.to = this.program.length;
  }

  #repeat(part: Node, min: number, max: number): void {
    for (let count = 0; count < min; count++) this.add(part);
    if (max === Number.POSITIVE_INFINITY) {
      const start = this.program.length;
      const split = { op: 'split' as const, to: 0 };
      this.emit(split);
      this.add(part);
      this.emit({ op: 'jump', to: start });
      split.to = this.program.length;
      return;
    }
    const splits: { op: 'split'; to: number }[] = [];
    for (let count = min; count < max; count++) {
      const split = { op: 'split' as const, to: 0 };
      splits.push(split);
      this.emit(split);
      this.add(part);
    }
    for (const split of splits) split.to = this.program.length;
  }
}

function holds(place: 'start' | 'end' | 'word' | 'not-word', text: string, at: number): boolean {
  if (place === 'start') return at === 0;
  if (place === 'end') return at === text.length;
  const before = at > 0 && word(text.charCodeAt(at - 1));
  const after = at < text.length && word(text.charCodeAt(at));
  return (before !== after) === (place === 'word');
}

export class Pattern {
  readonly #program: readonly Instruction[];
  /** Step at which an instruction was last put on the list: keeps every list free of doubles. */
  readonly #mark: Int32Array;
  #step = 0;

  /** Throws PatternError. */
  constructor(text: string) {
    const compiler = new Compiler();
    compiler.add(parsePattern(text));
    compiler.emit({ op: 'match' });
    this.#program = compiler.program;
    this.#mark = new Int32Array(compiler.program.length).fill(-1);
  }

  /** Adds what is reachable without reading a character; true when that includes the end. */
  #follow(from: number, text: string, at: number, list: number[]): boolean {
    const stack = [from];
    while (stack.length > 0) {
      const index = stack.pop() as number;
      if (this.#mark[index] === this.#step) continue;
      this.#mark[index] = this.#step;
      const instruction = this.#program[index] as Instruction;
      if (instruction.op === 'match') return true;
      if (instruction.op === 'char') list.push(index);
      else if (instruction.op === 'jump') stack.push(instruction.to);
      else if (instruction.op === 'split') stack.push(index + 1, instruction.to);
      else if (holds(instruction.place, text, at)) stack.push(index + 1);
    }
    return false;
  }

  /** Is there a match anywhere in `text`? `spend` is told the steps it takes, and may throw. */
  test(full: string, spend: (steps: number) => void = () => undefined): boolean {
    const text = full.length > MAX_TEXT ? full.slice(0, MAX_TEXT) : full;
    let list: number[] = [];
    this.#mark.fill(-1);
    this.#step = 0;
    if (this.#follow(0, text, 0, list)) return true;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const next: number[] = [];
      spend(list.length + 1);
      this.#step = at + 1;
      for (const index of list) {
        const instruction = this.#program[index] as Instruction;
        if (instruction.op !== 'char' || !instruction.test(code)) continue;
        if (this.#follow(index + 1, text, at + 1, next)) return true;
      }
      if (this.#follow(0, text, at + 1, next)) return true;
      list = next;
    }
    return false;
  }
}
