import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const LOWEST = 20_000;
const TRIES = 100;

/** First of the ports that the kernel gives to outgoing connections. */
function firstOutgoing(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1').split('\t')[0]);
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * A TCP port for a test that nobody listens on now. Not one that the kernel would choose: it may be the own port of some outgoing
 * connection a moment later, and somebody who connects to a port of that kind on which nobody listens can even meet himself.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const count = firstOutgoing() - LOWEST;
  for (let tries = 0; tries < TRIES && count > 0; tries++) {
    const port = LOWEST + Math.floor(Math.random() * count);
    if (await isFree(host, port)) return port;
  }
  throw new Error(`no free port from ${LOWEST} up on ${host}`);
}
