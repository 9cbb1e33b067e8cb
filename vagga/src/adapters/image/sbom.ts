// The list of what is in an image, from the lists that its build has kept.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageFacts } from '../../core/oci/compose.ts';
import { parseOsRelease } from '../../core/oci/os-release.ts';
import { installedPackages, PACKAGE_LISTS } from '../../core/sbom/package-lists.ts';
import { spdxText } from '../../core/sbom/spdx.ts';
import { textInRoot } from '../build/in-root.ts';

function unlessAbsent(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function distributionOf(root: string): string {
  const release = unlessAbsent(() => textInRoot(root, '/etc/os-release')) ?? '';
  return parseOsRelease(release).get('ID') ?? 'unknown';
}

/** `image`: directory of the version; `digest`: of the exported image. */
export function sbomOf(image: string, facts: ImageFacts, digest: string): string {
  const files = Object.keys(PACKAGE_LISTS).map(
    name => [name, unlessAbsent(() => readFileSync(join(image, name), 'utf8'))] as const,
  );
  const lists = Object.fromEntries(
    files.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
  const distribution = distributionOf(join(image, 'root'));
  return spdxText({ ...facts, digest, distribution }, installedPackages(lists));
}
