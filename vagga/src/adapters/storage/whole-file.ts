// Files that take long to write.
import { createWriteStream, openSync, renameSync, rmSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { temporaryFor } from './temporary.ts';

/** `file` appears whole or not at all. `write` ends the stream. */
export async function writeWholeFile(file: string, write: (sink: Writable) => Promise<void>): Promise<void> {
  const unfinished = temporaryFor(file);
  try {
    // Opened here: a stream that is given up at once might still make the file afterwards.
    await write(createWriteStream('', { fd: openSync(unfinished, 'w') }));
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
