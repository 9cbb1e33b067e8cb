import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACTION_BYTES_MAX } from '@suite/shared/wire/verwalter.ts';

/** What a handler answers; `json` is shown compact, indented or as gron lines, as the path's suffix asks. */
export type Reply =
  | { readonly json: unknown; readonly status?: number }
  | { readonly text: string; readonly status?: number; readonly headers?: Record<string, string> }
  | { readonly bytes: Uint8Array; readonly headers: Record<string, string> }
  | { readonly empty: number; readonly headers?: Record<string, string> };

export type Format = 'compact' | 'pretty' | 'gron';

/** An error as every `/v1/` path answers it. */
export function refuse(status: number, error: string): Reply {
  return { status, json: { error } };
}

export function send(response: ServerResponse, reply: Reply, format: Format, version: string): void {
  response.setHeader('server', `verwalter/${version}`);
  response.setHeader('cache-control', 'no-cache');
  if ('json' in reply) {
    response.statusCode = reply.status ?? 200;
    const type = format === 'gron' ? 'text/x-gron; charset=utf-8' : 'application/json';
    end(response, type, formatJson(reply.json, format));
    return;
  }
  if ('text' in reply) {
    response.statusCode = reply.status ?? 200;
    for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
    end(response, 'text/plain; charset=utf-8', reply.text);
    return;
  }
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if ('bytes' in reply) {
    response.end(reply.bytes);
    return;
  }
  response.statusCode = reply.empty;
  response.end();
}

function end(response: ServerResponse, type: string, text: string): void {
  response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

function formatJson(value: unknown, format: Format): string {
  if (format === 'gron') return gron(value);
  return format === 'pretty' ? `${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value);
}

/** One assignment per line, rooted at `json`: what `gron` prints, so that answers can be grepped. */
function gron(value: unknown): string {
  const lines: string[] = [];
  const visit = (path: string, inner: unknown): void => {
    if (Array.isArray(inner)) {
      lines.push(`${path} = [];`);
      for (const [at, item] of inner.entries()) visit(`${path}[${at}]`, item);
    } else if (typeof inner === 'object' && inner !== null) {
      lines.push(`${path} = {};`);
      for (const [key, member] of Object.entries(inner)) {
        visit(/^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`, member);
      }
    } else lines.push(`${path} = ${JSON.stringify(inner) ?? 'null'};`);
  };
  visit('json', value);
  return `${lines.join('\n')}\n`;
}

/** The JSON body of a POST, or the reply that refuses it: 415, 413 or 400. */
export async function readBody(request: IncomingMessage): Promise<{ readonly value: unknown } | Reply> {
  if (request.headers['content-type'] !== 'application/json') {
    return refuse(415, 'the content type must be application/json');
  }
  const bytes = await collect(request);
  if (bytes === undefined) return refuse(413, `more than ${ACTION_BYTES_MAX} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return refuse(400, 'the body is not JSON');
  }
  return isDeep(value, DEPTH_MAX) ? refuse(400, `nested deeper than ${DEPTH_MAX}`) : { value };
}

/** Of JSON that comes in: writing it again, and Lua, are recursive. As deep as a scheduler's own tables may be. */
const DEPTH_MAX = 100;

function isDeep(value: unknown, allowed: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return allowed === 0 || Object.values(value).some(inner => isDeep(inner, allowed - 1));
}

/** The whole body, or undefined when it is too long: the rest is read and dropped, so that the sender gets to see the answer. */
function collect(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= ACTION_BYTES_MAX) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
