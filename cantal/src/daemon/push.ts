// WebSocket /ws: news after every scan, and the answers of subscribed queries. `ws` is loaded on the first upgrade.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CANTAL_LIMITS, type CantalServerMessage, type QueryRequest } from '@suite/shared/wire/cantal.ts';
import type { RawData, WebSocket, WebSocketServer } from 'ws';
import { HTTP } from '../config/defaults.ts';
import { evaluateJson } from '../core/query/evaluate.ts';
import { parseQuery, QueryError } from '../core/query/parse.ts';
import type { Sliced } from '../core/query/work.ts';
import type { Agent } from './agent.ts';
import { inSlices } from './slices.ts';
import { statusOf } from './status.ts';

/** A page of another site must not read this host through a visitor's browser. */
function sameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}

/** Rules a client subscribed under one id, and whether an answer is being computed. */
interface Subscription {
  readonly query: QueryRequest;
  busy: boolean;
}

export class Push {
  readonly #agent: Agent;
  /** By connection, by id. */
  readonly #clients = new Map<WebSocket, Map<string, Subscription>>();
  #server: Promise<WebSocketServer> | undefined;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  #load(): Promise<WebSocketServer> {
    this.#server ??= import('ws').then(
      ({ WebSocketServer }) =>
        new WebSocketServer({
          noServer: true,
          maxPayload: CANTAL_LIMITS.socketMessageBytes,
          clientTracking: false,
        }),
    );
    return this.#server;
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Node leaves the socket to us, and an error nobody listens for would end the process.
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?', 1)[0] !== '/ws') return refuse(socket, '404 Not Found');
    if (!sameOrigin(request)) return refuse(socket, '403 Forbidden');
    if (this.#clients.size >= HTTP.maxSockets) return refuse(socket, '503 Service Unavailable');
    const server = await this.#load();
    server.handleUpgrade(request, socket, head, client => this.#accept(client));
  }

  #accept(client: WebSocket): void {
    if (this.#clients.size >= HTTP.maxSockets) {
      client.terminate();
      return;
    }
    this.#clients.set(client, new Map());
    client.on('close', () => this.#clients.delete(client));
    client.on('error', () => client.terminate());
    client.on('message', (data: RawData) => this.#receive(client, data.toString()));
    this.#sendNews(client, this.#news());
  }

  #news(): readonly string[] {
    const messages: CantalServerMessage[] = [
      { type: 'scan', status: statusOf(this.#agent) },
      { type: 'peers', peers: this.#agent.gossip?.peers() ?? [] },
    ];
    return messages.map(message => JSON.stringify(message));
  }

  /** A client that does not read is cut off instead of filling our memory. */
  #sendText(client: WebSocket, text: string): void {
    if (client.bufferedAmount > HTTP.socketBufferBytes) client.terminate();
    else client.send(text);
  }

  #sendNews(client: WebSocket, news: readonly string[]): void {
    for (const text of news) this.#sendText(client, text);
  }

  #receive(client: WebSocket, text: string): void {
    let id: string | null = null;
    try {
      const message = JSON.parse(text) as { type?: unknown; id?: unknown; rules?: unknown };
      if (typeof message.id !== 'string') throw new QueryError('no "id"', 'every message has type and id');
      id = message.id;
      if (message.type === 'subscribe') this.#subscribe(client, id, parseQuery({ rules: message.rules }));
      else if (message.type === 'unsubscribe') this.#clients.get(client)?.delete(id);
      else throw new QueryError('unknown "type"', '"subscribe" or "unsubscribe"');
    } catch (error) {
      this.#sendError(client, id, error);
    }
  }

  #sendError(client: WebSocket, id: string | null, error: unknown): void {
    const known = error instanceof QueryError;
    const hint = known ? error.hint : 'messages are JSON objects';
    const text = error instanceof Error ? error.message : String(error);
    const message: CantalServerMessage = { type: 'error', id, error: text, hint };
    this.#sendText(client, JSON.stringify(message));
  }

  #subscribe(client: WebSocket, id: string, query: QueryRequest): void {
    const subscriptions = this.#clients.get(client);
    if (subscriptions === undefined) return;
    if (!subscriptions.has(id) && subscriptions.size >= CANTAL_LIMITS.subscriptionsPerSocket) {
      throw new QueryError(
        'too many subscriptions',
        `at most ${CANTAL_LIMITS.subscriptionsPerSocket} per connection`,
      );
    }
    const subscription = { query, busy: false };
    subscriptions.set(id, subscription);
    void this.#answer(client, id, subscription);
  }

  /** A rule that fails (a growing history may pass the limit of points) says so at every scan until it is unsubscribed. */
  async #answer(client: WebSocket, id: string, subscription: Subscription): Promise<void> {
    const { query } = subscription;
    const isWanted = (): boolean => this.#clients.get(client)?.get(id) === subscription;
    subscription.busy = true;
    try {
      const values = await inSlices(unlessGone(isWanted, () => evaluateJson(query, this.#agent.scanner)));
      if (values !== undefined && isWanted())
        this.#sendText(client, `{"type":"data","id":${JSON.stringify(id)},"values":${values}}`);
    } catch (error) {
      this.#sendError(client, id, error);
    } finally {
      subscription.busy = false;
    }
  }

  /** After every scan. An answer that takes longer than the time to the next scan is not asked for twice. */
  scanned(): void {
    if (this.#clients.size === 0) return;
    const news = this.#news();
    for (const [client, subscriptions] of this.#clients) {
      this.#sendNews(client, news);
      for (const [id, subscription] of subscriptions)
        if (!subscription.busy) void this.#answer(client, id, subscription);
    }
  }

  close(): void {
    for (const client of this.#clients.keys()) client.terminate();
    this.#clients.clear();
  }
}

/** Nothing is computed for a client that left while it waited for its turn. */
function* unlessGone(isWanted: () => boolean, work: () => Sliced<string>): Sliced<string | undefined> {
  return isWanted() ? yield* work() : undefined;
}
