// What crun has not copied from the terminal of a container when that ends it reports as an error of its own, with a time in
// front and in red. Into a file it writes the bare bytes, which we then bring to where they belong.
import { readFileSync, rmSync } from 'node:fs';
import type { CachedRuntime } from '../project/cache.ts';

/** It reads so much at a time, and puts a newline behind each. */
const PIECE_BYTES = 255;

/** An option for the engine; none where it does not do so. */
export function tailOption({ kind }: Pick<CachedRuntime, 'kind'>, file: string): string[] {
  return kind === 'runc' ? [] : [`--log=file:${file}`];
}

function pieces(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES + 1)
    found.push(bytes.subarray(at, Math.min(at + PIECE_BYTES, bytes.length - 1)));
  return found;
}

/** Also what the engine says when it could not start the container. The file is gone afterwards. */
export function printTail(file: string | undefined): void {
  if (file === undefined) return;
  try {
    const bytes = readFileSync(file);
    rmSync(file);
    // The container's terminal has made two characters of each newline, and ours does so again.
    const text = Buffer.concat(pieces(bytes)).toString('latin1').replaceAll('\r\n', '\n');
    if (text !== '') process.stdout.write(text, 'latin1');
  } catch {
    // There was nothing to say.
  }
}
