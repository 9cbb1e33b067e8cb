// Ports of nodes on the loopback of the host, without any right there: the listening sockets are the host's, and who accepts and
// passes the bytes on is a process in the network of the bridge.
import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { NetworkNode } from '../../core/network/plan.ts';
import { inside, NetworkError } from './namespaces.ts';

/** First word of our own command line for that process. */
export const RELAY = '__relay__';

const HOST = '127.0.0.1';

interface Target {
  readonly ip: string;
  readonly port: number;
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(new NetworkError(`port ${port}: ${error.message}`)));
    server.listen({ host: HOST, port }, () => resolve(server));
  });
}

function handOver(process: ChildProcess, server: Server, target: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send(target, server, error => {
      server.close();
      if (error === null) resolve();
      else reject(new NetworkError(`ports of the network: ${error.message}`));
    });
  });
}

/** Resolves when its sockets are closed, so that the ports are free for whoever comes next. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    if (child.connected) child.disconnect();
  });
}

/** Undefined: there is nothing to relay. It ends when `close` is called or we do. */
export async function startRelay(
  bridge: string,
  nodes: readonly NetworkNode[],
): Promise<{ close(): Promise<void> } | undefined> {
  const wanted = nodes.flatMap(({ ip, ports }) =>
    Object.entries(ports).map(([outside, port]) => ({ outside: Number(outside), target: { ip, port } })),
  );
  if (wanted.length === 0) return undefined;
  const servers: Server[] = [];
  try {
    for (const { outside } of wanted) servers.push(await listen(outside));
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  const [program = '', ...words] = inside(bridge, process.execPath, process.argv[1] ?? '', RELAY);
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
  child.once('error', () => undefined);
  for (const [index, { target }] of wanted.entries()) await handOver(child, servers[index] as Server, target);
  return { close: () => ended(child) };
}

function pass(client: Socket, { ip, port }: Target): void {
  const node = createConnection({ host: ip, port, allowHalfOpen: true });
  for (const [from, to] of [
    [client, node],
    [node, client],
  ] as const) {
    from.once('error', () => to.destroy());
    from.pipe(to);
  }
}

/** What that process does. */
export function relayUntilClosed(): Promise<void> {
  return new Promise(resolve => {
    process.on('message', (target: Target, server: Server) => {
      server.on('connection', socket => {
        socket.allowHalfOpen = true;
        pass(socket, target);
      });
    });
    process.once('disconnect', resolve);
  });
}
