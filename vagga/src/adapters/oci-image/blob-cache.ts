// Blobs of registries in the cache directory, by digest: shared by all images and projects that use the cache.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { CACHE_LOCK_WAIT_S } from '../../config/defaults.ts';
import type { Descriptor } from '../../core/oci/documents.ts';
import { type Slice, wholeFile } from '../archive/packed.ts';
import { takeLock } from '../build/lock.ts';
import { verifyBlob, verifyText } from './image.ts';

export class BlobCache {
  readonly #directory: string;
  readonly #signal: AbortSignal;

  /** `directory` is made. */
  constructor(directory: string, signal: AbortSignal) {
    this.#directory = join(directory, 'blobs/sha256');
    this.#signal = signal;
    mkdirSync(this.#directory, { recursive: true });
  }

  #path(digest: string): string {
    return join(this.#directory, digest.slice('sha256:'.length));
  }

  /** Undefined when it is not there, or damaged. */
  text(digest: string): string | undefined {
    try {
      const text = readFileSync(this.#path(digest), 'utf8');
      verifyText(text, digest, 'a document of the cache');
      this.#touch(this.#path(digest));
      return text;
    } catch {
      return undefined;
    }
  }

  keepText(digest: string, text: string): void {
    const temporary = `${this.#path(digest)}.${process.pid}`;
    writeFileSync(temporary, text);
    renameSync(temporary, this.#path(digest));
  }

  has({ digest, sizeBytes }: Descriptor): boolean {
    return statSync(this.#path(digest), { throwIfNoEntry: false })?.size === sizeBytes;
  }

  /** Deletes what no build has used since `timeMs` (milliseconds since 1970), and what is left of broken downloads. */
  sweep(timeMs: number): void {
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined && stat.mtimeMs < timeMs) rmSync(path, { force: true });
    }
  }

  /** So that `sweep` knows it is in use. */
  #touch(path: string): void {
    const now = new Date();
    utimesSync(path, now, now);
  }

  /** Deletes those of `blobs` that are not what their names say, so that the next build fetches them; how many. */
  async dropDamaged(blobs: readonly Slice[]): Promise<number> {
    let dropped = 0;
    for (const { path } of blobs) {
      try {
        await verifyBlob(wholeFile(path), `sha256:${basename(path)}`, 'a layer');
      } catch {
        rmSync(path, { force: true });
        dropped++;
      }
    }
    return dropped;
  }

  /** `fetch` fills the file it is given; one process at a time. What has the right size is trusted: unpacking checks it. */
  async blob(descriptor: Descriptor, fetch: (part: string) => Promise<void>): Promise<Slice> {
    const path = this.#path(descriptor.digest);
    if (this.has(descriptor)) {
      this.#touch(path);
      return wholeFile(path);
    }
    const lock = await takeLock(`${path}.lock`, CACHE_LOCK_WAIT_S, this.#signal);
    if (lock === 'busy') throw new Error(this.#signal.aborted ? 'was interrupted' : `${path} is locked`);
    if (lock instanceof Error) throw lock;
    try {
      if (!this.has(descriptor)) await this.#fetched(descriptor, path, fetch);
    } finally {
      await lock.release();
    }
    return wholeFile(path);
  }

  async #fetched(
    descriptor: Descriptor,
    path: string,
    fetch: (part: string) => Promise<void>,
  ): Promise<void> {
    const part = `${path}.part`;
    await fetch(part);
    const blob = wholeFile(part);
    try {
      if (blob.bytes !== descriptor.sizeBytes)
        throw new Error(`a layer has ${blob.bytes} bytes instead of ${descriptor.sizeBytes}`);
      await verifyBlob(blob, descriptor.digest, 'a layer');
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
    if (existsSync(path)) rmSync(path);
    renameSync(part, path);
  }
}
