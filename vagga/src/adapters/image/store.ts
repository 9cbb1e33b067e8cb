// What is built already.
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

/** Built with the ids we have now? Files of another mapping would belong to strangers. */
export function isBuilt(layout: Layout, name: string, hash: string): boolean {
  try {
    const saved = readFileSync(join(layout.image(name, hash), 'uid_map'), 'utf8');
    return saved === readFileSync('/proc/self/uid_map', 'utf8');
  } catch {
    return false;
  }
}

/** Is this version the one that `.vagga/NAME` points to? */
export function isCurrent(layout: Layout, name: string, hash: string): boolean {
  return currentVersion(layout, name) === hash.slice(0, 8);
}

/** Short hash of the version that `.vagga/NAME` points to. */
export function currentVersion(layout: Layout, name: string): string | undefined {
  try {
    const target = readlinkSync(layout.link(name));
    const hash = /\.([0-9a-f]{8})\/root$/.exec(target)?.[1];
    return hash !== undefined && target === layout.linkTarget(name, hash) ? hash : undefined;
  } catch {
    return undefined;
  }
}
