// Files with holes, as GNU tar writes them with `--sparse`: the archive has a map of the pieces that hold something, and those
// pieces. Its older form has the map in the header and in blocks behind it, the one of PAX in decimal lines in front of the data.
import { byteText } from './byte-text.ts';
import type { ArchiveEvent } from './entry.ts';
import { ArchiveError } from './error.ts';
import { type PaxRecords, paxNumber } from './pax.ts';
import { BLOCK_BYTES, tarNumber } from './tar-header.ts';

interface Piece {
  /** In the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Filled block by block. */
export interface SparseMap {
  readonly pieces: readonly Piece[];
  readonly isWhole: boolean;
  /** Its blocks are part of the data's size. */
  readonly isInData: boolean;
  /** Of the file with its holes. */
  readonly fileBytes: number;
  push(block: Uint8Array): void;
}

export const damagedMap = (): ArchiveError =>
  new ArchiveError('damaged map of a sparse file in the tar archive');

/** Each takes two numbers of 12 bytes. */
const PIECE_BYTES = 24;
const IN_HEADER = { start: 386, count: 4, more: 482, fileBytes: 483 };
const IN_BLOCK = { start: 0, count: 21, more: 504 };

class GnuMap implements SparseMap {
  readonly isInData = false;
  readonly pieces: Piece[] = [];
  readonly fileBytes: number;
  readonly #piecesMax: number;
  isWhole = false;

  constructor(header: Uint8Array, piecesMax: number) {
    this.#piecesMax = piecesMax;
    this.fileBytes = tarNumber(header, IN_HEADER.fileBytes, 12, 'size of a sparse file');
    if (this.fileBytes < 0) throw damagedMap();
    this.#read(header, IN_HEADER);
  }

  push(block: Uint8Array): void {
    this.#read(block, IN_BLOCK);
  }

  #read(block: Uint8Array, { start, count, more }: typeof IN_BLOCK): void {
    for (let at = start; at < start + count * PIECE_BYTES && block[at + 12] !== 0; at += PIECE_BYTES) {
      const offset = tarNumber(block, at, 12, 'place in a sparse file');
      this.pieces.push({ offset, bytes: tarNumber(block, at + 12, 12, 'piece of a sparse file') });
    }
    this.isWhole = block[more] === 0;
    if (this.pieces.length > this.#piecesMax) throw damagedMap();
  }
}

/** How many pieces, then where each begins and how long it is: a line for each number, filled up with NUL. */
class PaxMap implements SparseMap {
  readonly isInData = true;
  readonly fileBytes: number;
  readonly #piecesMax: number;
  #rest = '';
  #count: number | undefined;
  readonly #numbers: number[] = [];

  constructor(fileBytes: number, piecesMax: number) {
    this.fileBytes = fileBytes;
    this.#piecesMax = piecesMax;
  }

  get isWhole(): boolean {
    return this.#numbers.length === (this.#count ?? -1) * 2;
  }

  get pieces(): readonly Piece[] {
    const pairs = this.#numbers.filter((_, index) => index % 2 === 0);
    return pairs.map((offset, index) => ({ offset, bytes: this.#numbers[index * 2 + 1] ?? 0 }));
  }

  push(block: Uint8Array): void {
    const lines = (this.#rest + byteText(block)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (!this.isWhole) this.#line(line);
    if (!this.isWhole && this.#rest.length > BLOCK_BYTES) throw damagedMap();
  }

  #line(line: string): void {
    if (!/^[0-9]{1,15}$/.test(line)) throw damagedMap();
    if (this.#count !== undefined) this.#numbers.push(Number(line));
    else if (Number(line) > this.#piecesMax) throw damagedMap();
    else this.#count = Number(line);
  }
}

const VERSION = 'GNU.sparse.major';

/** Undefined: a file without holes. Throws for the forms of PAX that came before 1.0. */
export function sparseMap(
  type: string,
  header: Uint8Array,
  records: PaxRecords,
  metadataBytes: number,
): SparseMap | undefined {
  const piecesMax = Math.floor(metadataBytes / PIECE_BYTES);
  if (type === 'S') return new GnuMap(header, piecesMax);
  if (![...records.keys()].some(key => key.startsWith('GNU.sparse.'))) return undefined;
  const version = `${records.get(VERSION)}.${records.get('GNU.sparse.minor')}`;
  const fileBytes = paxNumber(records, 'GNU.sparse.realsize');
  if (version === '1.0' && fileBytes !== undefined) return new PaxMap(fileBytes, piecesMax);
  throw new ArchiveError('the tar archive holds a sparse file in a form that is not supported');
}

const ZEROS = new Uint8Array(BLOCK_BYTES * 128);

/** Puts the holes between the pieces. */
export class SparseFile {
  readonly #pieces: readonly Piece[];
  readonly #fileBytes: number;
  #index = 0;
  /** Of the piece, that were handed on. */
  #within = 0;
  #at = 0;

  /** `dataBytes`: what the archive holds of it. */
  constructor({ pieces, fileBytes }: SparseMap, dataBytes: number) {
    let end = 0;
    for (const { offset, bytes } of pieces) {
      if (offset < end || bytes < 0) throw damagedMap();
      end = offset + bytes;
    }
    const sum = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
    if (sum !== dataBytes || end > fileBytes) throw damagedMap();
    this.#pieces = pieces;
    this.#fileBytes = fileBytes;
  }

  *data(bytes: Uint8Array): Generator<ArchiveEvent> {
    let rest = bytes;
    for (let piece = this.#pieces[this.#index]; piece !== undefined && rest.length > 0; ) {
      yield* this.#zerosTo(piece.offset + this.#within);
      const part = rest.subarray(0, piece.bytes - this.#within);
      if (part.length > 0) yield { kind: 'data', bytes: part };
      this.#within += part.length;
      this.#at += part.length;
      rest = rest.subarray(part.length);
      if (this.#within < piece.bytes) return;
      this.#within = 0;
      piece = this.#pieces[++this.#index];
    }
  }

  *end(): Generator<ArchiveEvent> {
    yield* this.#zerosTo(this.#fileBytes);
  }

  *#zerosTo(offset: number): Generator<ArchiveEvent> {
    while (this.#at < offset) {
      const bytes = ZEROS.subarray(0, offset - this.#at);
      this.#at += bytes.length;
      yield { kind: 'data', bytes };
    }
  }
}
