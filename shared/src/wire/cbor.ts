// The part of CBOR (RFC 8949) that cantal's messages use: definite lengths, text, bytes, integers, 64-bit floats,
// arrays, maps with text keys, null, booleans. cbor-x writes a whole float as an integer, which breaks typed readers
// of /query.cbor, and its decoder has no limits; hence our own.

/** A number that is written as a 64-bit float even when it is whole. */
export class Float64 {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Float64
  | readonly CborValue[]
  | { readonly [key: string]: CborValue };

const utf8 = new TextEncoder();
const SHORT_TEXT = 64;

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false;
  return true;
}

class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  result(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for `count` bytes and returns where they go. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  head(major: number, count: number): void {
    const type = major << 5;
    if (count < 24) {
      const at = this.#reserve(1);
      this.#bytes[at] = type | count;
    } else if (count < 0x100) {
      const at = this.#reserve(2);
      this.#bytes[at] = type | 24;
      this.#bytes[at + 1] = count;
    } else if (count < 0x10000) {
      const at = this.#reserve(3);
      this.#bytes[at] = type | 25;
      this.#view.setUint16(at + 1, count);
    } else if (count < 0x1_0000_0000) {
      const at = this.#reserve(5);
      this.#bytes[at] = type | 26;
      this.#view.setUint32(at + 1, count);
    } else {
      const at = this.#reserve(9);
      this.#bytes[at] = type | 27;
      this.#view.setBigUint64(at + 1, BigInt(count));
    }
  }

  float(value: number): void {
    const at = this.#reserve(9);
    this.#bytes[at] = 0xfb;
    this.#view.setFloat64(at + 1, value);
  }

  /** Short ASCII, nearly every text of ours, is written without an encoder: three times faster. */
  text(text: string): void {
    if (text.length <= SHORT_TEXT && isAscii(text)) {
      this.head(3, text.length);
      const at = this.#reserve(text.length);
      for (let index = 0; index < text.length; index++) this.#bytes[at + index] = text.charCodeAt(index);
      return;
    }
    const bytes = utf8.encode(text);
    this.head(3, bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }
}

function writeNumber(writer: Writer, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) writer.float(value);
  else if (value >= 0) writer.head(0, value);
  else writer.head(1, -1 - value);
}

function write(writer: Writer, value: CborValue): void {
  if (value === null) writer.head(7, 22);
  else if (typeof value === 'boolean') writer.head(7, value ? 21 : 20);
  else if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'string') writer.text(value);
  else if (value instanceof Uint8Array) {
    writer.head(2, value.length);
    writer.raw(value);
  } else if (value instanceof Float64) writer.float(value.value);
  else if (Array.isArray(value)) {
    writer.head(4, value.length);
    for (const item of value) write(writer, item);
  } else {
    const entries = Object.entries(value);
    writer.head(5, entries.length);
    for (const [key, item] of entries) {
      write(writer, key);
      write(writer, item);
    }
  }
}

/** Integers in the shortest form, map entries in insertion order. */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new Writer();
  write(writer, value);
  return writer.result();
}

/** Beginning of an array or map whose `count` items or entries follow, each encoded by itself. */
export function encodeCborHead(type: 'array' | 'map', count: number): Uint8Array {
  const writer = new Writer();
  writer.head(type === 'array' ? 4 : 5, count);
  return writer.result();
}

export interface CborLimits {
  readonly depth: number;
  /** Array items and map entries of the whole document. */
  readonly items: number;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #limits: CborLimits;
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at = 0;
  #items = 0;

  constructor(bytes: Uint8Array, limits: CborLimits) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limits = limits;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new RangeError('ends in the middle of a value');
    this.#at += count;
    return at;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info === 24) return this.#view.getUint8(this.#take(1));
    if (info === 25) return this.#view.getUint16(this.#take(2));
    if (info === 26) return this.#view.getUint32(this.#take(4));
    if (info === 27) return Number(this.#view.getBigUint64(this.#take(8)));
    throw new RangeError('indefinite lengths are not accepted');
  }

  #count(info: number): number {
    const count = this.#argument(info);
    this.#items += count;
    if (this.#items > this.#limits.items) throw new RangeError('too many items');
    return count;
  }

  #simple(info: number): null | boolean | number {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22 || info === 23) return null;
    if (info === 26) return this.#view.getFloat32(this.#take(4));
    if (info === 27) return this.#view.getFloat64(this.#take(8));
    throw new RangeError('a simple value that is not accepted');
  }

  #readText(at: number, length: number): string {
    let text = '';
    for (let index = at; index < at + length; index++) {
      const byte = this.#bytes[index] as number;
      if (byte > 127 || length > SHORT_TEXT) return this.#text.decode(this.#bytes.subarray(at, at + length));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #map(count: number, depth: number): { [key: string]: CborValue } {
    const map: { [key: string]: CborValue } = Object.create(null);
    for (let index = 0; index < count; index++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new RangeError('a map key that is not text');
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  value(depth: number): CborValue {
    if (depth > this.#limits.depth) throw new RangeError('nested too deeply');
    const head = this.#view.getUint8(this.#take(1));
    const info = head & 31;
    switch (head >> 5) {
      case 0:
        return this.#argument(info);
      case 1:
        return -1 - this.#argument(info);
      case 2: {
        const length = this.#argument(info);
        const at = this.#take(length);
        return this.#bytes.slice(at, at + length);
      }
      case 3: {
        const length = this.#argument(info);
        return this.#readText(this.#take(length), length);
      }
      case 4: {
        const count = this.#count(info);
        const list: CborValue[] = [];
        for (let index = 0; index < count; index++) list.push(this.value(depth + 1));
        return list;
      }
      case 5:
        return this.#map(this.#count(info), depth);
      case 6:
        throw new RangeError('tags are not accepted');
      default:
        return this.#simple(info);
    }
  }
}

/** One whole value; undefined for anything malformed, cut, followed by other bytes or beyond the limits. Never throws. */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits): CborValue | undefined {
  const reader = new Reader(bytes, limits);
  try {
    const value = reader.value(0);
    return reader.atEnd ? value : undefined;
  } catch {
    return undefined;
  }
}
