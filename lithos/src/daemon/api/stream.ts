// WebSocket /v1/events: a greeting, what was missed since `?since=SEQ`, then every event as it happens.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { LITHOS_LIMITS, type LithosEvent, type LithosHello } from '@suite/shared/wire/lithos.ts';
import type { WebSocket, WebSocketServer } from 'ws';
import type { EventRing } from '../../core/events/ring.ts';

export interface StreamOptions {
  readonly version: string;
  readonly ring: EventRing;
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}

export class EventStream {
  private readonly options: StreamOptions;
  /** By who may connect, so that nobody takes root's places. */
  private readonly clients = { everybody: new Set<WebSocket>(), root: new Set<WebSocket>() };
  private server: WebSocketServer | undefined;

  constructor(options: StreamOptions) {
    this.options = options;
  }

  upgrade(whose: 'everybody' | 'root', request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const [path, query] = (request.url ?? '').split('?', 2);
    const since = new URLSearchParams(query).get('since');
    const clients = this.clients[whose];
    const refused = this.refusal(path ?? '', since, clients.size);
    if (refused !== undefined) {
      refuse(socket, refused);
      return;
    }
    // The first one pays for the library; loading it takes no turn of the loop, so the count above stays true.
    const { WebSocketServer } = require('ws') as typeof import('ws');
    this.server ??= new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: LITHOS_LIMITS.eventMessageBytes,
      perMessageDeflate: false,
    });
    this.server.handleUpgrade(request, socket, head, client => this.accept(clients, client, since));
  }

  send(event: LithosEvent): void {
    const clients = this.all();
    if (clients.length === 0) return;
    const text = JSON.stringify(event);
    for (const client of clients) this.write(client, text);
  }

  close(): void {
    for (const client of this.all()) client.close(1001);
  }

  private all(): WebSocket[] {
    return [...this.clients.everybody, ...this.clients.root];
  }

  private refusal(path: string, since: string | null, clients: number): string | undefined {
    if (path !== '/v1/events') return '404 Not Found';
    if (since !== null && !/^\d{1,16}$/.test(since)) return '400 Bad Request';
    return clients >= LITHOS_LIMITS.eventClients ? '503 Service Unavailable' : undefined;
  }

  private accept(clients: Set<WebSocket>, client: WebSocket, since: string | null): void {
    const { ring, version } = this.options;
    client.on('close', () => clients.delete(client));
    client.on('error', () => client.terminate());
    clients.add(client);
    const { events, missed } = since === null ? { events: [], missed: false } : ring.since(Number(since));
    const hello: LithosHello = { type: 'hello', pid: process.pid, version, newest: ring.newest, missed };
    this.write(client, JSON.stringify(hello));
    for (const event of events) this.write(client, JSON.stringify(event));
  }

  /** A client that does not read is cut off instead of filling our memory. */
  private write(client: WebSocket, text: string): void {
    if (client.bufferedAmount > LITHOS_LIMITS.eventQueueBytes) client.terminate();
    else client.send(text);
  }
}
