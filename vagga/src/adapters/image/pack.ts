// The file system of an image as one tar archive.
import { createWriteStream, lstatSync } from 'node:fs';
import { Writable } from 'node:stream';
import { writeCompressed } from '../archive/compress.ts';
import type { Compression } from '../archive/packed.ts';
import { TreeEntries } from '../archive/tree-entries.ts';
import { tarBytes } from '../archive/write-tar.ts';
import { writeWholeFile } from '../storage/whole-file.ts';

/** Standard output stays open. */
function standardOutput(): Writable {
  // A reader that is gone is told by the write as well.
  process.stdout.on('error', () => {});
  return new Writable({
    write: (chunk, _encoding, done) => void process.stdout.write(chunk, error => done(error)),
  });
}

/** Appears whole or not at all; a pipe or a device is written as it is. */
async function intoFile(file: string, write: (sink: Writable) => Promise<void>): Promise<void> {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) await writeWholeFile(file, write);
  else await write(createWriteStream(file));
}

/** `file`: undefined for standard output. */
export async function packRoot(
  root: string,
  compression: Compression | 'none',
  file: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const write = (sink: Writable) =>
    writeCompressed(tarBytes(new TreeEntries({ prefix: './' }).below(root)), compression, sink, signal);
  await (file === undefined ? write(standardOutput()) : intoFile(file, write));
}
