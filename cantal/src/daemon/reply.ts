// Answers in one form each: JSON with an ETag, errors as {error, hint}.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CANTAL_LIMITS, type CantalError } from '@suite/shared/wire/cantal.ts';

/** A failure the client caused, with the status it gets. */
export class HttpError extends Error {
  readonly status: number;
  readonly hint: string;
  constructor(status: number, message: string, hint: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function sendJson(response: ServerResponse, value: object): void {
  send(response, 200, 'application/json', JSON.stringify(value));
}

export function sendError(response: ServerResponse, error: HttpError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body: CantalError = { error: error.message, hint: error.hint };
  // The rest of a body that is too long is not worth reading.
  if (error.status === 413) response.setHeader('connection', 'close');
  send(response, error.status, 'application/json', JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > CANTAL_LIMITS.bodyBytes) {
        throw new HttpError(413, 'the body is too long', `at most ${CANTAL_LIMITS.bodyBytes} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'the body was not sent to its end', 'the connection was lost');
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Throws HttpError 400 or 413. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = await readBody(request);
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'the body is not JSON', 'send one JSON object');
  }
}
