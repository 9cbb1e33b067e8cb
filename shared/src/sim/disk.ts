import { type Disk, FileTooLarge, type WriteOptions } from '../ports/disk.ts';

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** Files in memory that outlive a crash of the node, except what was written without `fsync` since the last flush. */
export class SimDisk implements Disk {
  #files = new Map<string, Uint8Array>();
  #flushed = new Map<string, Uint8Array>();
  /** Then every write fails with ENOSPC. */
  isFull = false;

  async readBytes(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const data = this.#files.get(path);
    if (data !== undefined && data.length > maxBytes) throw new FileTooLarge(path, maxBytes);
    return data?.slice();
  }

  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    const data = await this.readBytes(path, maxBytes);
    return data === undefined ? undefined : new TextDecoder().decode(data);
  }

  async writeAtomic(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
    if (this.isFull) throw failure('ENOSPC', path);
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
    this.#files.set(path, bytes);
    if (options.fsync) this.#flushed.set(path, bytes);
  }

  async list(directory: string): Promise<string[] | undefined> {
    const inside = [...this.#files.keys()].filter(path => path.startsWith(`${directory}/`));
    if (inside.length === 0) return undefined;
    return [
      ...new Set(inside.map(path => path.slice(directory.length + 1).split('/', 1)[0] as string)),
    ].sort();
  }

  async remove(path: string): Promise<void> {
    for (const file of [...this.#files.keys()]) {
      if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file);
    }
  }

  /** Directories are not kept apart: a path is there when a file is below it. */
  async makeDirectory(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    const data = this.#files.get(from);
    if (data === undefined) throw failure('ENOENT', from);
    this.#files.delete(from);
    this.#files.set(to, data);
  }

  /** A power cut: back to what was flushed. */
  loseUnflushed(): void {
    this.#files = new Map(this.#flushed);
  }
}
