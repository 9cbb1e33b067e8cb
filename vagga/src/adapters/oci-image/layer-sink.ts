// One layer over those below it: files are added and replaced, and marker files (`.wh.NAME`, `.wh..wh..opq`) remove what
// lower layers have, wherever in the layer they stand.
import { readdirSync } from 'node:fs';
import { shown } from '../../core/archive/byte-text.ts';
import type { ArchiveEvent } from '../../core/archive/entry.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import { nameParts } from '../../core/archive/names.ts';
import { bytesOf, lstatBytes, type Parts } from '../archive/inside.ts';
import type { ArchiveSink } from '../archive/read-tar.ts';
import type { Unpacker } from '../archive/unpacker.ts';

const MARKER = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Book-keeping of the storage that Docker had first. */
const OLD_MARKER = '.wh..wh.';

export class LayerSink implements ArchiveSink {
  readonly #unpacker: Unpacker;
  /** What this very layer has made, with all directories above: markers are about lower layers only. */
  readonly #made = new Set<string>();
  #skipping = false;

  constructor(unpacker: Unpacker) {
    this.#unpacker = unpacker;
  }

  handle(event: ArchiveEvent): void {
    if (event.kind === 'entry') {
      const parts = nameParts(event.entry.name, this.#unpacker.limits);
      const name = parts.at(-1) ?? '';
      this.#skipping = name.startsWith(MARKER);
      if (this.#skipping) this.#marker(parts.slice(0, -1), name);
      else this.#remember(parts);
    }
    if (!this.#skipping) this.#unpacker.handle(event);
  }

  #remember(parts: Parts): void {
    for (let depth = parts.length; depth > 0; depth--) {
      const key = parts.slice(0, depth).join('/');
      if (this.#made.has(key)) return;
      this.#made.add(key);
    }
  }

  #marker(directory: Parts, name: string): void {
    if (name === OPAQUE) this.#removeBelow(directory);
    else if (!name.startsWith(OLD_MARKER)) {
      const hidden = name.slice(MARKER.length);
      if (['', '.', '..'].includes(hidden))
        throw new ArchiveError(`damaged layer: the marker ${shown(name)}`);
      this.#remove([...directory, hidden]);
    }
    this.#unpacker.inside.forget();
  }

  #remove(parts: Parts): void {
    if (this.#made.has(parts.join('/'))) {
      this.#removeBelow(parts);
      return;
    }
    const path = this.#unpacker.inside.path(parts, false);
    if (path !== undefined) this.#unpacker.remove(path, parts);
  }

  #removeBelow(parts: Parts): void {
    const path = this.#unpacker.inside.path(parts, false);
    // Through a link it would be another directory, of which the marker says nothing.
    if (path === undefined || lstatBytes(path)?.isDirectory() !== true) return;
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const child = [...parts, name.toString('latin1')];
      if (this.#made.has(child.join('/'))) this.#removeBelow(child);
      else this.#unpacker.remove(Buffer.concat([path, bytesOf('/'), name]), child);
    }
  }
}
