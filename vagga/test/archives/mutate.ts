// Damage that can be repeated: the same seed gives the same archives.

/** Values that parsers stumble over. */
const SHARP = [0, 1, 0x20, 0x2e, 0x2f, 0x30, 0x37, 0x7f, 0x80, 0xff];

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 … below `limit` (xorshift32). */
  next(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  /** One to four damages of different kinds. */
  mutate(bytes: Buffer): Buffer {
    let result: Buffer = Buffer.from(bytes);
    for (let count = 1 + this.next(4); count > 0 && result.length > 0; count--) result = this.#one(result);
    return result;
  }

  #one(bytes: Buffer): Buffer {
    const at = this.next(bytes.length);
    switch (this.next(7)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << this.next(8));
        return bytes;
      case 1:
        bytes[at] = SHARP[this.next(SHARP.length)] as number;
        return bytes;
      case 2:
        return bytes.fill(
          SHARP[this.next(SHARP.length)] as number,
          at,
          Math.min(bytes.length, at + this.next(24)),
        );
      case 3:
        return bytes.subarray(0, at);
      case 4:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + this.next(600))]);
      case 5: {
        const part = bytes.subarray(at, at + this.next(600));
        return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
      }
      default: {
        // A tar header whose checksum is right again, so that the damage gets past the first look.
        const start = at - (at % 512);
        if (start + 512 <= bytes.length) this.#freshChecksum(bytes.subarray(start, start + 512));
        return bytes;
      }
    }
  }

  #freshChecksum(header: Buffer): void {
    const field = this.next(345);
    if (field < 148 || field >= 156) header[field] = SHARP[this.next(SHARP.length)] as number;
    header.fill(0x20, 148, 156);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
}
