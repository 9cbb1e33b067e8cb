// Output of a process cut into lines, in bytes: whatever the encoding, nothing is changed, lost or torn.

const NEWLINE = 0x0a;
/** UTF-8: bytes 10xxxxxx go on with a character. */
const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
const CHARACTER_BYTES_MAX = 4;

/** Where a line that is too long is cut: not inside of a character. */
function cutAt(bytes: Uint8Array, max: number): number {
  let at = max;
  while (at > max - CHARACTER_BYTES_MAX && isContinuation(bytes[at])) at--;
  return isContinuation(bytes[at]) ? max : at;
}

function joined(parts: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(lengthBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Holds at most one line of `maxBytes`; longer ones come in pieces. */
export class LineCutter {
  readonly #maxBytes: number;
  /** Parts of the line that has no end yet. */
  #parts: Uint8Array[] = [];
  #lengthBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whole lines without their newlines. The chunk must not be changed afterwards. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#add(chunk.subarray(from, at), lines);
      lines.push(this.#take());
      from = at + 1;
    }
    this.#add(chunk.subarray(from), lines);
    return lines;
  }

  /** What came after the last newline, if anything. */
  end(): Uint8Array[] {
    return this.#lengthBytes > 0 ? [this.#take()] : [];
  }

  #add(bytes: Uint8Array, lines: Uint8Array[]): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#lengthBytes += bytes.length;
    while (this.#lengthBytes > this.#maxBytes) {
      const whole = this.#take();
      const cut = cutAt(whole, this.#maxBytes);
      lines.push(whole.subarray(0, cut));
      this.#parts = [whole.subarray(cut)];
      this.#lengthBytes = whole.length - cut;
    }
  }

  #take(): Uint8Array {
    const line = this.#parts.length === 0 ? new Uint8Array(0) : joined(this.#parts, this.#lengthBytes);
    this.#parts = [];
    this.#lengthBytes = 0;
    return line;
  }
}
