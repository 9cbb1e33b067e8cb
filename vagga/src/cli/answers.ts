// What the start-up cache alone answers: the listing, and `_build` of what is built and current. Nothing here loads what starts
// processes, nor Node's streams: each costs a short answer 1 to 2 ms.
import { statSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { Layout } from '../adapters/image/layout.ts';
import { isSettled } from '../adapters/image/store.ts';
import { quickEngine } from '../adapters/oci/quick-engine.ts';
import { type Cache, cachedHash, readCache } from '../adapters/project/cache.ts';
import { type Found, findProject } from '../adapters/project/find.ts';
import { listing } from '../core/listing.ts';
import { isOwnName } from '../core/plan/symlinks.ts';

interface Known extends Found {
  readonly cache: Cache;
}

/** The project we are in, if its cache is up to date and there is nothing to say about it. */
export function knownProject(): Known | undefined {
  if (!isOwnName(basename(process.argv[1] ?? ''))) return undefined;
  const found = findProject(process.cwd());
  if (found === undefined || statSync(found.root).uid !== process.getuid?.()) return undefined;
  const cache = readCache(found);
  return cache === undefined || cache.warnings.length > 0 ? undefined : { ...found, cache };
}

/** A reader that is slow or gone is left to Node's own stream. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(2, bytes, done);
  } catch {
    process.stderr.write(bytes.subarray(done));
  }
}

function isUpToDate({ root, cache }: Known, name: string): boolean {
  const container = Object.hasOwn(cache.project.containers, name)
    ? cache.project.containers[name]
    : undefined;
  if (container === undefined || quickEngine(cache) === undefined) return false;
  const hash = cachedHash(cache, name);
  const layout = new Layout(root, cache.settings);
  return hash !== undefined && isSettled(layout, name, hash, container);
}

/** The exit code; undefined: more of the program must decide. */
export function quickAnswer([word, name, ...more]: readonly string[]): number | undefined {
  if (word !== undefined && (word !== '_build' || name === undefined || more.length > 0)) return undefined;
  const known = knownProject();
  if (known === undefined) return undefined;
  if (name !== undefined) return isUpToDate(known, name) ? 0 : undefined;
  print(listing(known.cache.project));
  return 127;
}
