import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

/** First and last byte of a `Range: bytes=…` header with one range; undefined = whole file, null = cannot be satisfied. */
function parseRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | undefined | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [from, to] = [match[1] ?? '', match[2] ?? ''];
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first > last ? null : { first, last };
}

/**
 * Sends `root/path` with ranges and 304; false when there is no such file (nothing is sent then). Links are followed, but never out of `root`.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  path: string,
  options: { readonly cacheSeconds: number },
): Promise<boolean> {
  if (path.split('/').some(part => part === '..' || part.includes('\0'))) return false;
  let file: string;
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    file = await realpath(join(root, path));
    if (!file.startsWith((await realpath(root)) + sep)) return false;
    info = await stat(file);
  } catch {
    return false;
  }
  if (!info.isFile()) return false;
  const etag = `"${info.size.toString(16)}-${Math.floor(info.mtimeMs).toString(16)}"`;
  response.setHeader('etag', etag);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader(
    'cache-control',
    options.cacheSeconds > 0 ? `max-age=${options.cacheSeconds}` : 'no-cache',
  );
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
  if (request.headers['if-none-match'] === etag) {
    response.statusCode = 304;
    response.end();
    return true;
  }
  sendBytes(request, response, file, info.size);
  return true;
}

function sendBytes(request: IncomingMessage, response: ServerResponse, file: string, size: number): void {
  const range = parseRange(request.headers.range, size);
  if (range === null) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  if (range !== undefined) response.setHeader('content-range', `bytes ${first}-${last}/${size}`);
  response.writeHead(range === undefined ? 200 : 206, { 'content-length': last - first + 1 });
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  createReadStream(file, { start: first, end: last })
    .on('error', () => response.destroy())
    .pipe(response);
}
