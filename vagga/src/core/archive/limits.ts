import { ArchiveError } from './error.ts';

/** What one archive may cost. Its reader and its unpacker count against the same numbers. */
export interface ArchiveLimits {
  readonly entries: number;
  /** Of all files together, unpacked. */
  readonly unpackedBytes: number;
  /** Of one PAX header, GNU long name or zip directory. */
  readonly metadataBytes: number;
  readonly nameBytes: number;
  /** Directories above a file. */
  readonly depth: number;
}

/** Counts what one archive has used; throws when it is too much. */
export class Budget {
  readonly limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.limits = limits;
  }

  entry(): void {
    if (++this.#entries > this.limits.entries) {
      throw new ArchiveError(`the archive has more than ${this.limits.entries} entries`);
    }
  }

  bytes(count: number): void {
    this.#bytes += count;
    if (this.#bytes > this.limits.unpackedBytes) {
      throw new ArchiveError(`the archive unpacks to more than ${this.limits.unpackedBytes} bytes`);
    }
  }
}
