// Keys as package managers want them: a directory with one file each.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armored } from '../../../core/openpgp/keys.ts';
import type { BuildContext } from '../context.ts';
import { fileInRoot, makeDirectories } from '../in-root.ts';

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

/**
 * A directory of the cache with these files: one for each set of keys, so that a key that is not trusted any more is in
 * none that is used.
 */
export function keyDirectory(
  context: BuildContext,
  cache: string,
  files: ReadonlyMap<string, string | Buffer>,
): string {
  const hash = createHash('sha256');
  for (const [name, content] of files) hash.update(`${name}\0`).update(content).update('\0');
  const directory = join(context.cacheDirectory(cache), hash.digest('hex').slice(0, 16));
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(directory, name), content);
  return directory;
}

/** Keys of an own mirror are trusted inside too, or nothing could be installed from it later. */
export function trustInside(context: BuildContext, own: string | undefined): void {
  if (own === undefined) return;
  makeDirectories(context.root, '/etc/apt/trusted.gpg.d', 0o755);
  writeFileSync(fileInRoot(context.root, '/etc/apt/trusted.gpg.d/vagga-mirror.gpg'), readKeyring(own));
}
