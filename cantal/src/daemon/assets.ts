// The web UI: files of one directory, held in memory after their first use.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { HTTP } from '../config/defaults.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.map': 'application/json',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};

export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

export class Assets {
  readonly directory: string;
  readonly #cache = new Map<string, Asset & { readonly mtimeMs: number }>();

  constructor(directory: string) {
    this.directory = directory;
  }

  /** `path` is a decoded URL path; undefined when there is no such file inside the directory. */
  async find(path: string): Promise<Asset | undefined> {
    const inside = normalize(`/${path}`);
    const file = join(this.directory, inside.endsWith('/') ? `${inside}index.html` : inside);
    try {
      const stats = await stat(file);
      if (!stats.isFile() || stats.size > HTTP.assetBytes) return undefined;
      const cached = this.#cache.get(file);
      if (cached?.mtimeMs === stats.mtimeMs) return cached;
      const body = await readFile(file);
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      const asset = {
        body,
        type: TYPES[extname(file)] ?? 'application/octet-stream',
        etag,
        mtimeMs: stats.mtimeMs,
      };
      this.#cache.set(file, asset);
      return asset;
    } catch {
      return undefined;
    }
  }
}
