import type { ArchiveEvent } from '../../core/archive/entry.ts';
import type { ArchiveLimits } from '../../core/archive/limits.ts';
import { Budget } from '../../core/archive/limits.ts';
import { TarReader } from '../../core/archive/tar.ts';

export interface TarSink {
  handle(event: ArchiveEvent): void;
}

/** Hands all of `content` to `sink`, to its very end: damage behind the last file is noticed too. */
export async function readTar(
  content: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
  sink: TarSink,
  signal: AbortSignal,
): Promise<void> {
  const budget = new Budget(limits);
  const reader = new TarReader(budget);
  for await (const chunk of content) {
    signal.throwIfAborted();
    if (reader.ended) budget.bytes(chunk.length);
    for (const event of reader.push(chunk)) sink.handle(event);
  }
  reader.finish();
}
