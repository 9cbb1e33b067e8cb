// A tar archive as a stream: bytes in, entries out. Reads ustar, GNU long names, PAX, files with holes; keeps at most one block,
// one extended header or one map of holes in memory.
//
//   header ─(file with data)──▶ data ──▶ padding ──▶ header
//     │ ├─(sparse file)───────▶ sparse-map ─▶ data
//     │ └─(L, K, x, g)────────▶ metadata ─▶ padding ─▶ header
//     └─(two zero blocks)─────▶ ended (whatever follows is ignored, as tar(1) does)
import { byteText, shown } from './byte-text.ts';
import type { ArchiveEvent, Entry, EntryType } from './entry.ts';
import { ArchiveError } from './error.ts';
import type { Budget } from './limits.ts';
import { type PaxRecords, parsePax, paxNumber, paxXattrs } from './pax.ts';
import { damagedMap, SparseFile, type SparseMap, sparseMap } from './sparse.ts';
import { BLOCK_BYTES, isZeroBlock, parseTarHeader, type TarHeader } from './tar-header.ts';

type State =
  | { readonly kind: 'header'; readonly block: Uint8Array; filled: number; readonly zeroBlocks: number }
  | { readonly kind: 'metadata'; readonly type: string; readonly body: Uint8Array; filled: number }
  | {
      readonly kind: 'data';
      remaining: number;
      /** In the archive, with the map of holes that may be in front. */
      readonly sizeBytes: number;
      readonly sparse?: SparseFile;
    }
  | {
      readonly kind: 'sparse-map';
      readonly map: SparseMap;
      readonly block: Uint8Array;
      filled: number;
      readonly entry: Entry;
      remaining: number;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'padding'; remaining: number }
  | { readonly kind: 'ended' };

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'hard-link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  // "Contiguous": a wish about blocks that no system of today honours.
  '7': 'file',
  S: 'file',
};

const NO_RECORDS: PaxRecords = new Map();
const METADATA = ['L', 'K', 'x', 'X', 'g'];

/** Only these count for all later entries: a header for everybody cannot grow without end. */
const GLOBAL_KEYS = ['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'GNU.sparse.major'];

function knownOf(records: PaxRecords): PaxRecords {
  return new Map([...records].filter(([key]) => GLOBAL_KEYS.includes(key)));
}

const header = (zeroBlocks = 0): State => ({
  kind: 'header',
  block: new Uint8Array(BLOCK_BYTES),
  filled: 0,
  zeroBlocks,
});

const paddingOf = (sizeBytes: number): number => (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;

function afterBody(sizeBytes: number): State {
  const remaining = paddingOf(sizeBytes);
  return remaining === 0 ? header() : { kind: 'padding', remaining };
}

function withoutNul(bytes: Uint8Array): string {
  const text = byteText(bytes);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

export class TarReader {
  readonly #budget: Budget;
  #state: State = header();
  #global: PaxRecords = NO_RECORDS;
  #local: PaxRecords = NO_RECORDS;
  #longName: string | undefined;
  #longTarget: string | undefined;
  #sawHeader = false;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** The end marker was read: what follows has no meaning. */
  get ended(): boolean {
    return this.#state.kind === 'ended';
  }

  /** Everything the bytes complete; data events point into `chunk`. Throws `ArchiveError`. */
  *push(chunk: Uint8Array): Generator<ArchiveEvent> {
    let at = 0;
    while (at < chunk.length && this.#state.kind !== 'ended') {
      const taken = yield* this.#take(chunk.subarray(at));
      at += taken;
    }
  }

  /** Throws when the archive stops in the middle. */
  finish(): void {
    const state = this.#state;
    const isWhole =
      state.kind === 'ended' || (state.kind === 'header' && state.filled === 0 && this.#sawHeader);
    // Some programs leave out the blocks of zeros, or all padding of the last file.
    if (!isWhole && state.kind !== 'padding') throw new ArchiveError('the tar archive is cut off');
    if (this.#longName !== undefined || this.#longTarget !== undefined || this.#local.size > 0) {
      throw new ArchiveError('the tar archive is cut off');
    }
  }

  *#take(bytes: Uint8Array): Generator<ArchiveEvent, number> {
    const state = this.#state;
    switch (state.kind) {
      case 'header':
        return yield* this.#takeHeader(state, bytes);
      case 'metadata': {
        const part = bytes.subarray(0, state.body.length - state.filled);
        state.body.set(part, state.filled);
        state.filled += part.length;
        if (state.filled === state.body.length) this.#metadata(state.type, state.body);
        return part.length;
      }
      case 'data': {
        const part = bytes.subarray(0, state.remaining);
        state.remaining -= part.length;
        if (state.sparse === undefined) yield { kind: 'data', bytes: part };
        else yield* state.sparse.data(part);
        if (state.remaining === 0) yield* this.#endData(state.sizeBytes, state.sparse);
        return part.length;
      }
      case 'sparse-map':
        return yield* this.#takeMap(state, bytes);
      case 'padding': {
        const count = Math.min(bytes.length, state.remaining);
        state.remaining -= count;
        if (state.remaining === 0) this.#state = header();
        return count;
      }
      case 'ended':
        return bytes.length;
    }
  }

  *#takeMap(state: State & { kind: 'sparse-map' }, bytes: Uint8Array): Generator<ArchiveEvent, number> {
    const { map, block, entry, sizeBytes } = state;
    const part = bytes.subarray(0, BLOCK_BYTES - state.filled);
    block.set(part, state.filled);
    state.filled += part.length;
    if (state.filled < BLOCK_BYTES) return part.length;
    state.filled = 0;
    map.push(block);
    if (map.isInData) state.remaining -= BLOCK_BYTES;
    if (state.remaining < 0) throw damagedMap();
    if (map.isWhole) yield* this.#beginSparse(map, entry, state.remaining, sizeBytes);
    return part.length;
  }

  *#beginSparse(map: SparseMap, entry: Entry, dataBytes: number, sizeBytes: number): Generator<ArchiveEvent> {
    const sparse = new SparseFile(map, dataBytes);
    yield { kind: 'entry', entry };
    if (dataBytes > 0) this.#state = { kind: 'data', remaining: dataBytes, sizeBytes, sparse };
    else yield* this.#endData(sizeBytes, sparse);
  }

  *#endData(sizeBytes: number, sparse?: SparseFile): Generator<ArchiveEvent> {
    if (sparse !== undefined) yield* sparse.end();
    this.#state = afterBody(sizeBytes);
    yield { kind: 'end' };
  }

  *#takeHeader(state: State & { kind: 'header' }, bytes: Uint8Array): Generator<ArchiveEvent, number> {
    const part = bytes.subarray(0, BLOCK_BYTES - state.filled);
    state.block.set(part, state.filled);
    state.filled += part.length;
    if (state.filled < BLOCK_BYTES) return part.length;
    if (isZeroBlock(state.block)) this.#state = state.zeroBlocks > 0 ? { kind: 'ended' } : header(1);
    else yield* this.#begin(parseTarHeader(state.block), state.block);
    return part.length;
  }

  *#begin(parsed: TarHeader, block: Uint8Array): Generator<ArchiveEvent> {
    this.#sawHeader = true;
    this.#budget.entry();
    if (METADATA.includes(parsed.type)) {
      this.#beginMetadata(parsed);
      return;
    }
    // A volume label is only a name.
    if (parsed.type === 'V') {
      this.#forget();
      this.#state = afterBody(parsed.sizeBytes);
      return;
    }
    const records = this.#records();
    const map = sparseMap(parsed.type, block, records, this.#budget.limits.metadataBytes);
    const entry = this.#entry(parsed, records, map);
    this.#forget();
    this.#budget.bytes(entry.sizeBytes);
    if (map !== undefined) {
      if (entry.type !== 'file') throw damagedMap();
      const sizeBytes = paxNumber(records, 'size') ?? parsed.sizeBytes;
      if (map.isWhole) yield* this.#beginSparse(map, entry, sizeBytes, sizeBytes);
      else {
        const block = new Uint8Array(BLOCK_BYTES);
        this.#state = { kind: 'sparse-map', map, block, filled: 0, entry, remaining: sizeBytes, sizeBytes };
      }
      return;
    }
    yield { kind: 'entry', entry };
    if (entry.sizeBytes > 0)
      this.#state = { kind: 'data', remaining: entry.sizeBytes, sizeBytes: entry.sizeBytes };
    else yield* this.#endData(0);
  }

  #beginMetadata({ type, sizeBytes }: TarHeader): void {
    const { metadataBytes } = this.#budget.limits;
    if (sizeBytes > metadataBytes) {
      throw new ArchiveError(`the tar archive has an extended header of more than ${metadataBytes} bytes`);
    }
    const body = new Uint8Array(sizeBytes);
    if (sizeBytes === 0) this.#metadata(type, body);
    else this.#state = { kind: 'metadata', type, body, filled: 0 };
  }

  #metadata(type: string, body: Uint8Array): void {
    this.#state = afterBody(body.length);
    if (type === 'L') this.#longName = withoutNul(body);
    else if (type === 'K') this.#longTarget = withoutNul(body);
    else if (type === 'g') this.#global = new Map([...this.#global, ...knownOf(parsePax(body))]);
    else this.#local = parsePax(body);
  }

  #forget(): void {
    this.#local = NO_RECORDS;
    this.#longName = undefined;
    this.#longTarget = undefined;
  }

  #records(): PaxRecords {
    return this.#global.size === 0 ? this.#local : new Map([...this.#global, ...this.#local]);
  }

  #entry(parsed: TarHeader, records: PaxRecords, map: SparseMap | undefined): Entry {
    const text = (key: string) => records.get(key) || undefined;
    const name = text('GNU.sparse.name') ?? text('path') ?? this.#longName ?? parsed.name;
    const type = TYPES[parsed.type];
    if (type === undefined) {
      throw new ArchiveError(
        `the tar archive holds ${shown(name)} of the unknown type ${shown(parsed.type)}`,
      );
    }
    const isDirectory = type === 'file' && name.endsWith('/');
    const isFile = type === 'file' && !isDirectory;
    return {
      name,
      // The oldest archives mark a directory by its slash.
      type: isDirectory ? 'directory' : type,
      mode: parsed.mode,
      uid: paxNumber(records, 'uid') ?? parsed.uid,
      gid: paxNumber(records, 'gid') ?? parsed.gid,
      mtimeS: paxNumber(records, 'mtime', true) ?? parsed.mtimeS,
      // Links and directories have no data, whatever their size says.
      sizeBytes: isFile ? (map?.fileBytes ?? paxNumber(records, 'size') ?? parsed.sizeBytes) : 0,
      target: text('linkpath') ?? this.#longTarget ?? parsed.target,
      xattrs: paxXattrs(records),
      ...(parsed.device !== undefined && { device: parsed.device }),
    };
  }
}
