// What steps with archives and downloads plan.
import type { Mounts } from './mounts.ts';

/** Where a file comes from: an address, `./x` of the project or `/volumes/x`. */
interface Source {
  readonly url: string;
  /** Any beginning of the checksum. */
  readonly sha256?: string;
}

export type ArchiveAction =
  | (Source & { readonly kind: 'download'; readonly path: string; readonly mode: number })
  | (Source & {
      readonly kind: 'unpack';
      readonly format: 'tar' | 'zip';
      readonly path: string;
      /** `''` and `.`: all of the archive. */
      readonly subdir: string;
    })
  | (Source & {
      readonly kind: 'tar-install';
      /** Absent: the only directory of the archive. */
      readonly subdir?: string;
      readonly script: string;
      readonly env: Readonly<Record<string, string>>;
      readonly caches: Mounts;
    });
