// A growing byte buffer with variable-length numbers: 7 bits per byte, least significant group first, high bit = more.

const GROUP = 128;

export class ByteLog {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  #room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** `value` is a whole number from 0 to 2^53. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= GROUP) {
      this.bytes[this.length++] = (rest % GROUP) + GROUP;
      rest = Math.floor(rest / GROUP);
    }
    this.bytes[this.length++] = rest;
  }

  float(value: number): void {
    this.#room(8);
    new DataView(this.bytes.buffer, this.length, 8).setFloat64(0, value);
    this.length += 8;
  }

  clear(): void {
    this.length = 0;
  }
}

/** Reads what a ByteLog wrote. `at` moves on; the caller stops at the end it knows. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let byte = this.bytes[this.at++] as number;
    if (byte < GROUP) return byte;
    let value = byte - GROUP;
    for (let scale = GROUP; ; scale *= GROUP) {
      byte = this.bytes[this.at++] as number;
      if (byte < GROUP) return value + byte * scale;
      value += (byte - GROUP) * scale;
    }
  }

  float(): number {
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8).getFloat64(0);
    this.at += 8;
    return value;
  }
}
