import type { ArchiveEvent } from '../../core/archive/entry.ts';
import type { Budget } from '../../core/archive/limits.ts';
import { TarReader } from '../../core/archive/tar.ts';

export interface ArchiveSink {
  handle(event: ArchiveEvent): void;
}

/** Hands all of `content` to `sink`, to its very end: damage behind the last file is noticed too. */
export async function readTar(
  content: AsyncIterable<Uint8Array>,
  budget: Budget,
  sink: ArchiveSink,
  signal: AbortSignal,
): Promise<void> {
  const reader = new TarReader(budget);
  for await (const chunk of content) {
    signal.throwIfAborted();
    if (reader.ended) budget.bytes(chunk.length);
    for (const event of reader.push(chunk)) sink.handle(event);
  }
  reader.finish();
}
