// How much disk trees take, and how much of that would be free without them: hard links belong to all who have them.
import { lstatSync, readdirSync } from 'node:fs';

const BLOCK_BYTES = 512;

export interface TreeSize {
  /** Of everything in them, each file once. */
  readonly sizeBytes: number;
  /** Of what nothing outside of them holds. */
  readonly ownBytes: number;
  readonly files: number;
}

interface Shared {
  readonly sizeBytes: number;
  missing: number;
}

class Sum {
  sizeBytes = 0;
  ownBytes = 0;
  files = 0;
  readonly #shared = new Map<string, Shared>();

  add(path: string): void {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    this.files++;
    const sizeBytes = stat.blocks * BLOCK_BYTES;
    if (stat.isDirectory() || stat.nlink === 1) this.#own(sizeBytes);
    else this.#link(`${stat.dev} ${stat.ino}`, stat.nlink, sizeBytes);
    if (stat.isDirectory()) this.#inside(path);
  }

  #inside(path: string): void {
    for (const name of readdirSync(path)) this.add(`${path}/${name}`);
  }

  #own(sizeBytes: number): void {
    this.sizeBytes += sizeBytes;
    this.ownBytes += sizeBytes;
  }

  #link(key: string, links: number, sizeBytes: number): void {
    const known = this.#shared.get(key) ?? { sizeBytes, missing: links };
    if (known.missing === links) this.sizeBytes += sizeBytes;
    known.missing--;
    if (known.missing === 0) this.ownBytes += sizeBytes;
    this.#shared.set(key, known);
  }
}

export function treeSize(paths: readonly string[]): TreeSize {
  const sum = new Sum();
  for (const path of paths) sum.add(path);
  return { sizeBytes: sum.sizeBytes, ownBytes: sum.ownBytes, files: sum.files };
}
