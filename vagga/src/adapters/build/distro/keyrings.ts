// Keyrings as apt wants them: a directory with one binary file each.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armored } from '../../../core/openpgp/keys.ts';
import type { BuildContext } from '../context.ts';
import { inRoot, makeDirectories } from '../in-root.ts';

/** Old releases of apt read only the binary form. Throws a sentence for the user. */
export function readKeyring(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read the keyring ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const blocks = armored(bytes.toString('latin1'));
  return blocks.length === 0 ? bytes : Buffer.concat(blocks.map(text => Buffer.from(text, 'base64')));
}

/** A directory of the cache with these keyrings; the same files each time, so that nobody needs to clean up. */
export function keyringDirectory(
  context: BuildContext,
  name: string,
  keyrings: Readonly<Record<string, Buffer>>,
): string {
  const directory = join(context.cacheDirectory('apt-keys'), name);
  mkdirSync(directory, { recursive: true });
  for (const [file, bytes] of Object.entries(keyrings)) writeFileSync(join(directory, `${file}.gpg`), bytes);
  return directory;
}

/** Keys of an own mirror are trusted inside too, or nothing could be installed from it later. */
export function trustInside(context: BuildContext, own: string | undefined): void {
  if (own === undefined) return;
  makeDirectories(context.root, '/etc/apt/trusted.gpg.d', 0o755);
  writeFileSync(inRoot(context.root, '/etc/apt/trusted.gpg.d/vagga-mirror.gpg'), readKeyring(own));
}
