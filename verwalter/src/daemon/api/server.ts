import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import {
  FRONTEND,
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
} from '../../config/defaults.ts';
import type { VerwalterNode } from '../node.ts';
import { serveEvents } from './events.ts';
import { sendFile } from './files.ts';
import { refuse, send } from './reply.ts';
import { serveApi } from './routes.ts';

/** Files with a hash in their name never change. */
const HASHED = /[-.][A-Za-z0-9_-]{8,}\.(js|css|woff2|svg|png)$/;
const YEAR_SECONDS = 31_536_000;

/** HTTP and WebSocket on every address; rejects when one cannot be bound. Gives a function that closes everything. */
export async function startServer(node: VerwalterNode): Promise<() => Promise<void>> {
  const { options } = node.context;
  const closers: (() => Promise<void>)[] = [];
  for (const address of options.addresses) {
    const server = createServer((request, response) => void answer(node, request, response));
    server.maxConnections = HTTP_CONNECTIONS_MAX;
    server.headersTimeout = HTTP_HEADERS_TIMEOUT_MS;
    server.requestTimeout = HTTP_REQUEST_TIMEOUT_MS;
    const endEvents = serveEvents(node, server);
    await listen(server, address, options.port);
    closers.push(() => {
      endEvents();
      server.closeAllConnections();
      return new Promise(resolve => server.close(() => resolve()));
    });
  }
  return async () => {
    for (const close of closers) await close();
  };
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.removeListener('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}

async function answer(
  node: VerwalterNode,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const parts = pathParts(request.url ?? '/');
    if (parts === undefined) send(response, refuse(400, 'bad path'), 'compact', node.context.options.version);
    else if (parts[0] === 'v1') await serveApi(node, parts.slice(1), request, response);
    else await serveStatic(node, parts, request, response);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    node.context.log.error('a request failed', { url: request.url, error });
    if (response.headersSent) response.destroy();
    else send(response, refuse(500, 'internal error, see the log'), 'compact', node.context.options.version);
  }
}

/** Decoded parts of the path without query; undefined for one that is not valid. */
function pathParts(url: string): string[] | undefined {
  try {
    return (url.split('?', 1)[0] as string)
      .split('/')
      .filter(part => part !== '')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** The built-in UI, `/~NAME/…` from `<config>/frontend/NAME`; a path that is no file is a page of the single page app. */
async function serveStatic(
  node: VerwalterNode,
  parts: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { options } = node.context;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return send(response, refuse(405, 'GET or HEAD only'), 'compact', options.version);
  }
  const named = parts[0]?.startsWith('~') ? parts[0].slice(1) : undefined;
  const frontend = named ?? options.frontend;
  const root = frontend === FRONTEND ? options.uiDir : join(options.configDir, 'frontend', frontend);
  const path = (named === undefined ? parts : parts.slice(1)).join('/');
  const isPlain = /^[\w-]+$/.test(frontend);
  const cacheSeconds = HASHED.test(path) ? YEAR_SECONDS : 0;
  if (isPlain && path !== '' && (await sendFile(request, response, root, path, { cacheSeconds }))) return;
  // A missing script answered with HTML would be a riddle in the browser's console.
  const isAsset = /\.[a-z0-9]+$/i.test(path);
  if (isPlain && !isAsset && (await sendFile(request, response, root, 'index.html', { cacheSeconds: 0 })))
    return;
  send(
    response,
    refuse(404, `there is no ${path === '' ? 'web page' : path} in ${root}`),
    'compact',
    options.version,
  );
}
