import {
  ARCHIVE_DEPTH_MAX,
  ARCHIVE_ENTRIES_MAX,
  ARCHIVE_METADATA_BYTES_MAX,
  ARCHIVE_NAME_BYTES_MAX,
  ARCHIVE_RATIO_MAX,
  ARCHIVE_SLACK_BYTES,
  ARCHIVE_UNPACKED_BYTES_MAX,
} from '../../config/defaults.ts';
import type { ArchiveLimits } from '../../core/archive/limits.ts';

/** By the compressed size: a few kilobytes may not become a full disk. */
export function limitsFor(packedBytes: number): ArchiveLimits {
  const allowed = ARCHIVE_SLACK_BYTES + packedBytes * ARCHIVE_RATIO_MAX;
  return {
    entries: ARCHIVE_ENTRIES_MAX,
    unpackedBytes: Math.min(allowed, ARCHIVE_UNPACKED_BYTES_MAX),
    metadataBytes: ARCHIVE_METADATA_BYTES_MAX,
    nameBytes: ARCHIVE_NAME_BYTES_MAX,
    depth: ARCHIVE_DEPTH_MAX,
  };
}
