export type EntryType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hard-link'
  | 'character-device'
  | 'block-device'
  | 'fifo';

export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** One member of an archive. Names are byte strings (byte-text.ts), as written: nothing is checked yet. */
export interface Entry {
  readonly name: string;
  readonly type: EntryType;
  /** Permission bits with set-id and sticky; undefined where the archive does not say (zip from other systems). */
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, with a fraction when known. */
  readonly mtimeS: number | undefined;
  /** Of the data that follows; 0 for everything but files. */
  readonly sizeBytes: number;
  /** Of links; otherwise empty. */
  readonly target: string;
  /** Extended attributes by name, values as byte strings. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** Of devices, where the archive says it. */
  readonly device?: DeviceNumbers;
}

/** What a reader hands on, in order: an entry, its data in pieces, its end. */
export type ArchiveEvent =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };
