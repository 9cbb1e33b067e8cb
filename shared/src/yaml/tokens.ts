import { CST, Parser } from 'yaml';

/** The part of the library's parser (2.9.1) that its own `next` works with; most of it is private to TypeScript. */
interface Inner {
  atNewLine: boolean;
  atScalar: boolean;
  indent: number;
  offset: number;
  source: string;
  type: CST.TokenType;
  readonly stack: readonly unknown[];
  step(): Iterable<CST.Token>;
  pop(error: CST.Token): Iterable<CST.Token>;
  end(): Iterable<CST.Token>;
}

/**
 * Lexemes → the library's tokens, as its own `next` does it. That one looks for `LOG_TOKENS` in the environment at every lexeme: a fifth of the
 * time of reading a file, and when it is set, what is meant for debugging the library goes to our standard output.
 */
export class Tokens {
  readonly found: CST.Token[] = [];
  private readonly parser = new Parser() as unknown as Inner;

  get offset(): number {
    return this.parser.offset;
  }

  get height(): number {
    return this.parser.stack.length;
  }

  take(source: string): void {
    const { parser } = this;
    parser.source = source;
    if (parser.atScalar) {
      parser.atScalar = false;
      this.keep(parser.step());
      parser.offset += source.length;
      return;
    }
    const type = CST.tokenType(source);
    if (type === 'scalar') {
      parser.atNewLine = false;
      parser.atScalar = true;
      parser.type = type;
    } else if (type === null) this.refuse(source);
    else this.step(source, type);
  }

  end(): void {
    this.keep(this.parser.end());
  }

  private keep(tokens: Iterable<CST.Token>): void {
    for (const token of tokens) this.found.push(token);
  }

  private refuse(source: string): void {
    const { parser } = this;
    const message = `Not a YAML token: ${source}`;
    this.keep(parser.pop({ type: 'error', offset: parser.offset, message, source }));
    parser.offset += source.length;
  }

  private step(source: string, type: CST.TokenType): void {
    const { parser } = this;
    parser.type = type;
    this.keep(parser.step());
    if (type === 'doc-mode' || type === 'flow-error-end') return;
    if (type === 'newline') {
      parser.atNewLine = true;
      parser.indent = 0;
    } else if (isIndent(type, source)) {
      if (parser.atNewLine) parser.indent += source.length;
    } else if (type !== 'space') parser.atNewLine = false;
    parser.offset += source.length;
  }
}

function isIndent(type: CST.TokenType, source: string): boolean {
  return type === 'space'
    ? source.startsWith(' ')
    : type === 'explicit-key-ind' || type === 'map-value-ind' || type === 'seq-item-ind';
}
