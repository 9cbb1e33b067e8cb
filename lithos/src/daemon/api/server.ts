// HTTP on the connections of a unix socket. `node:http` is loaded by the first of them: most supervisors never get one,
// and theirs is the memory of every host.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '@suite/shared/cli/log.ts';
import { LITHOS_LIMITS } from '@suite/shared/wire/lithos.ts';
import { TIMES } from '../../config/defaults.ts';
import { type Answer, refusal } from './answer.ts';

export interface Handlers {
  /** `url` as it was sent. */
  readonly answer: (method: string, url: string) => Promise<Answer>;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly log: Logger;
}

/** The body is of no use, but it must be over before the answer; false when it was too long. */
function bodyIsOver(request: IncomingMessage): Promise<boolean> {
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > LITHOS_LIMITS.bodyBytes) resolve(false);
    });
    request.on('end', () => resolve(true));
    request.on('error', reject);
  });
}

function send(response: ServerResponse, { status, type, text, allow }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(allow === undefined ? {} : { allow }),
    // What is left of a request that was refused would be taken for the next one.
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(text);
}

export class HttpServer {
  private readonly handlers: Handlers;
  private http: Server | undefined;
  private readonly open = new Set<Socket>();
  /** Nothing of theirs is being answered; who has waited longest comes first. */
  private readonly idle = new Set<Socket>();

  constructor(handlers: Handlers) {
    this.handlers = handlers;
  }

  /** For each new connection. */
  readonly connection = (socket: Socket): void => {
    if (this.open.size >= LITHOS_LIMITS.connections && !this.makeRoom()) {
      socket.destroy();
      return;
    }
    this.open.add(socket);
    socket.on('close', () => this.forget(socket));
    socket.on('error', () => socket.destroy());
    this.expectRequest(socket);
    this.http ??= this.load();
    this.http.emit('connection', socket);
  };

  closeAll(): void {
    for (const socket of this.open) socket.destroy();
  }

  /** Somebody who opens connections and says nothing must not shut out everybody else. */
  private makeRoom(): boolean {
    const [longest] = this.idle;
    if (longest === undefined) return false;
    longest.destroy();
    this.forget(longest);
    return true;
  }

  private forget(socket: Socket): void {
    this.open.delete(socket);
    this.idle.delete(socket);
  }

  private load(): Server {
    const { createServer } = require('node:http') as typeof import('node:http');
    const server = createServer({
      maxHeaderSize: LITHOS_LIMITS.headBytes,
      keepAliveTimeout: TIMES.requestMs,
    });
    // A client that does not read its answer.
    server.timeout = TIMES.requestMs;
    server.on('request', (request, response) => void this.serve(request, response));
    server.on('upgrade', (request, socket, head) => {
      this.requestCame(socket as Socket);
      this.handlers.upgrade(request, socket, head);
    });
    return server;
  }

  private readonly deadlines = new WeakMap<Socket, NodeJS.Timeout>();

  /** A request that comes byte by byte must be whole by then. */
  private expectRequest(socket: Socket): void {
    this.requestCame(socket);
    this.idle.add(socket);
    const timer = setTimeout(() => socket.destroy(), TIMES.requestMs);
    timer.unref();
    this.deadlines.set(socket, timer);
    socket.once('close', () => clearTimeout(timer));
  }

  private requestCame(socket: Socket): void {
    this.idle.delete(socket);
    clearTimeout(this.deadlines.get(socket));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const isWhole = await bodyIsOver(request);
      this.requestCame(request.socket);
      response.on('close', () => {
        if (!request.socket.destroyed) this.expectRequest(request.socket);
      });
      if (!isWhole) send(response, refusal(413, `at most ${LITHOS_LIMITS.bodyBytes} bytes`));
      else send(response, await this.handlers.answer(request.method ?? 'GET', request.url ?? '/'));
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      this.handlers.log.error('a request failed', { url: request.url, error: error as Error });
      if (response.headersSent) response.destroy();
      else send(response, refusal(500, 'internal error, see the log of lithos_tree'));
    }
  }
}
