// Length-prefixed fields of SSH's wire format (RFC 4251 §5), read with every length checked.

/** The bytes do not have the shape that was asked for. */
export class BadFormat extends Error {}

export class ByteReader {
  private readonly bytes: Buffer;
  private offset = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(length: number): Buffer {
    const end = this.offset + length;
    if (end > this.bytes.length) throw new BadFormat('it ends too early');
    const taken = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0);
  }

  /** A string: its length, then its bytes. */
  field(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.field().toString('latin1');
  }

  rest(): Buffer {
    return this.take(this.bytes.length - this.offset);
  }
}
