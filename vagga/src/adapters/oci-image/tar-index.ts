// Where the files are inside of a tar archive, so that they can be read in any order without unpacking it.
import { closeSync, openSync, readSync } from 'node:fs';
import { shown, utf8Text } from '../../core/archive/byte-text.ts';
import type { ArchiveEvent, Entry } from '../../core/archive/entry.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import { type ArchiveLimits, Budget } from '../../core/archive/limits.ts';
import { nameParts } from '../../core/archive/names.ts';
import { TarReader } from '../../core/archive/tar.ts';
import { rawBytes, type Slice } from '../archive/packed.ts';

type Place =
  | { readonly kind: 'file'; readonly slice: Slice }
  | { readonly kind: 'link'; readonly to: string };

/** Old images name the same layer through links; a longer chain is a circle. */
const LINKS_MAX = 10;

export class TarIndex {
  readonly #places = new Map<string, Place>();
  readonly #limits: ArchiveLimits;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  add(event: ArchiveEvent & { kind: 'entry' }, slice: Slice): void {
    const { entry } = event;
    const parts = nameParts(entry.name, this.#limits);
    const key = parts.join('/');
    if (entry.type === 'file') this.#places.set(key, { kind: 'file', slice });
    else if (entry.type === 'hard-link' || entry.type === 'symlink') {
      this.#places.set(key, { kind: 'link', to: linkTarget(parts, entry) });
    }
  }

  has(name: string): boolean {
    return this.#places.has(utf8Text(name));
  }

  /** Throws `ArchiveError` when it is not there. */
  find(name: string): Slice {
    let place = this.#places.get(utf8Text(name));
    for (let links = 0; place?.kind === 'link' && links < LINKS_MAX; links++)
      place = this.#places.get(place.to);
    if (place?.kind !== 'file')
      throw new ArchiveError(`damaged image: ${shown(utf8Text(name))} is not in the archive`);
    return place.slice;
  }
}

/** Symlinks are relative to their directory, hard links to the archive; `..` stays inside because names are only looked up. */
function linkTarget(parts: readonly string[], entry: Entry): string {
  const from = entry.type === 'symlink' ? parts.slice(0, -1) : [];
  const done: string[] = [...from];
  for (const part of entry.target.split('/')) {
    if (part === '..') done.pop();
    else if (part !== '' && part !== '.') done.push(part);
  }
  return done.join('/');
}

/** Reads the whole archive once. */
export async function indexTar(
  path: string,
  archive: Slice,
  limits: ArchiveLimits,
  signal: AbortSignal,
): Promise<TarIndex> {
  const index = new TarIndex(limits);
  const reader = new TarReader(new Budget(limits));
  let at = archive.start;
  let entry: (ArchiveEvent & { kind: 'entry' }) | undefined;
  for await (const chunk of rawBytes(archive) as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    for (const event of reader.push(chunk)) {
      if (event.kind === 'entry') entry = event;
      else if (entry !== undefined) {
        const inside = event.kind === 'data' ? event.bytes.byteOffset - chunk.byteOffset : 0;
        index.add(entry, { path, start: at + inside, bytes: entry.entry.sizeBytes });
        entry = undefined;
      }
    }
    at += chunk.length;
  }
  reader.finish();
  return index;
}

/** A small file as text; longer ones are damage. */
export function textOf({ path, start, bytes }: Slice, bytesMax: number): string {
  if (bytes > bytesMax) throw new ArchiveError(`damaged image: a document of more than ${bytesMax} bytes`);
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    readSync(fd, buffer, 0, bytes, start);
    return buffer.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
