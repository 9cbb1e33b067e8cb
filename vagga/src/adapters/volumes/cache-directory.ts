// `!CacheDir`: a directory of the cache, made on first use.
import { mkdirSync } from 'node:fs';
import type { Layout } from '../image/layout.ts';
import { VolumeError } from './place.ts';

export function cacheDirectory(layout: Layout, path: string): string {
  const source = layout.cache(path);
  try {
    mkdirSync(source, { recursive: true });
  } catch (error) {
    throw new VolumeError(`mount !CacheDir ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
  return source;
}
