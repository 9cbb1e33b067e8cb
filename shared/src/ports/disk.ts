export interface WriteOptions {
  /** Permission bits; 0o644 when absent. */
  readonly mode?: number;
  /** Survive a power cut, at the price of a disk round trip: file and directory are flushed. */
  readonly fsync?: boolean;
}

/** Rejection of a read when the file is longer than the caller allows. */
export class FileTooLarge extends Error {
  readonly code = 'FILE_TOO_LARGE';
  readonly maxBytes: number;
  constructor(path: string, maxBytes: number) {
    super(`${path}: longer than the allowed ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/** Files by path. Absent is a value (`undefined`); every other failure rejects with the system's error. */
export interface Disk {
  readText(path: string, maxBytes: number): Promise<string | undefined>;
  readBytes(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Temporary file beside the target, then rename: a reader sees the old content or the new, never half. */
  writeAtomic(path: string, data: string | Uint8Array, options?: WriteOptions): Promise<void>;
  /** Names inside, sorted; `undefined` when the directory is absent. */
  list(directory: string): Promise<string[] | undefined>;
  /** A file, or a directory with everything inside; absent is fine. */
  remove(path: string): Promise<void>;
  /** With its parents; existing is fine. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}
