import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Timer } from '@suite/shared/ports/index.ts';
import type { StatusEvent } from '@suite/shared/wire/verwalter.ts';
import type { WebSocket, WebSocketServer } from 'ws';
import { EVENT_CLIENTS_MAX, EVENT_INTERVAL_MS } from '../../config/defaults.ts';
import type { VerwalterNode } from '../node.ts';
import { statusOf } from '../status.ts';

/** A client that reads slower than this much behind is closed: it reconnects and gets the present state. */
const BUFFERED_BYTES_MAX = 1_048_576;
/** Clients have nothing to say. */
const MESSAGE_BYTES_MAX = 1_024;

/** WebSocket `/v1/events`: the status after connecting and after every change, bursts joined. Gives a function that ends it. */
export function serveEvents(node: VerwalterNode, server: Server): () => void {
  const clients = new Set<WebSocket>();
  let sockets: WebSocketServer | undefined;
  let timer: Timer | undefined;
  const broadcast = () => {
    timer = undefined;
    const text = statusText(node);
    for (const client of clients) {
      if (client.bufferedAmount > BUFFERED_BYTES_MAX) client.terminate();
      else client.send(text);
    }
  };
  const forget = node.shared.onChange(() => {
    if (clients.size > 0) timer ??= node.context.ports.clock.after(EVENT_INTERVAL_MS, broadcast);
  });
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const path = (request.url ?? '').split('?', 1)[0];
    if (path !== '/v1/events' || clients.size >= EVENT_CLIENTS_MAX) {
      socket.end(`HTTP/1.1 ${path === '/v1/events' ? '503 Service Unavailable' : '404 Not Found'}\r\n\r\n`);
      return;
    }
    // `ws` is loaded by the first browser: a node nobody looks at never pays for it.
    const { WebSocketServer } = await import('ws');
    sockets ??= new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
    sockets.handleUpgrade(request, socket, head, client => {
      clients.add(client);
      client.on('close', () => clients.delete(client));
      client.on('error', () => client.terminate());
      client.send(statusText(node));
    });
  };
  server.on('upgrade', upgrade);
  return () => {
    forget();
    timer?.cancel();
    for (const client of clients) client.terminate();
  };
}

function statusText(node: VerwalterNode): string {
  const event: StatusEvent = { type: 'status', status: statusOf(node) };
  return JSON.stringify(event);
}
