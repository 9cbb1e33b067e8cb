// Listening sockets for programs: made by us, so that connections wait in them while the program starts, or starts again.
import { lookup } from 'node:dns/promises';
import { listenSocket } from '@suite/shared/linux/sockets.ts';
import { parseSocketPlace } from '../../core/run/passed-socket.ts';

const BACKLOG = 128;

/** A descriptor, or why there is none. It is closed when we end. */
export async function openPassedSocket(text: string): Promise<number | string> {
  const place = parseSocketPlace(text);
  if (place === undefined)
    return `pass-tcp-socket: ${JSON.stringify(text)} is no address: write PORT, HOST:PORT, *:PORT or [IPV6]:PORT`;
  try {
    const { address } = await lookup(place.host);
    return listenSocket({
      host: address,
      port: place.port,
      backlog: BACKLOG,
      reuseAddress: true,
      reusePort: false,
    });
  } catch (error) {
    return `pass-tcp-socket: can't listen on ${text}: ${(error as Error).message}`;
  }
}
