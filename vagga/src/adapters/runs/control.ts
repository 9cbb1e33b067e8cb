// Orders for a run: a socket in its directory that only its user can reach. One JSON line each way.
import { chmodSync, closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { CONTROL_LINE_BYTES_MAX } from '../../config/defaults.ts';
import type { RunPlace } from './place.ts';

const NAME = 'control';

/** `names`: of children; none: the whole command. */
export interface Order {
  readonly do: 'stop' | 'restart';
  readonly names: readonly string[];
}

export interface Answer {
  readonly ok: boolean;
  readonly message?: string;
}

/** A socket's address holds 107 bytes, and projects are deeper: through a descriptor the name is short. */
function inDirectory<T>(place: RunPlace, work: (path: string) => T): T {
  const fd = openSync(place.directory, 'r');
  try {
    return work(`/proc/self/fd/${fd}/${NAME}`);
  } finally {
    closeSync(fd);
  }
}

async function answerTo(text: string, obey: (order: Order) => Promise<Answer>): Promise<Answer> {
  try {
    return await obey(JSON.parse(text) as Order);
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

function serve(socket: Socket, obey: (order: Order) => Promise<Answer>): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', async chunk => {
    const isWhole = text.includes('\n');
    text += chunk;
    if (text.length > CONTROL_LINE_BYTES_MAX) socket.destroy();
    else if (!isWhole && text.includes('\n')) socket.end(`${JSON.stringify(await answerTo(text, obey))}\n`);
  });
}

/** Returns what closes it. `obey` answers when the order has been carried out. */
export function serveOrders(place: RunPlace, obey: (order: Order) => Promise<Answer>): () => void {
  const server = createServer({ allowHalfOpen: true }, socket => serve(socket, obey));
  server.on('error', error =>
    process.stderr.write(`vagga _stop and _restart will not reach it: ${error.message}\n`),
  );
  inDirectory(place, path => {
    server.listen(path);
    // Some network file systems have no sockets. The run goes on; its directory lets nobody else in anyway.
    if (existsSync(path)) chmodSync(path, 0o600);
  });
  server.unref();
  return () => {
    server.close();
    rmSync(`${place.directory}/${NAME}`, { force: true });
  };
}

/** Its directory is gone when it ended meanwhile. */
function connected(place: RunPlace): Socket | Error {
  try {
    return inDirectory(place, path => connect(path));
  } catch (error) {
    return error as Error;
  }
}

/** Resolves to the answer, or to why there is none: the supervisor ended meanwhile, or was not there. */
export function order(place: RunPlace, what: Order): Promise<Answer> {
  return new Promise(resolve => {
    const fail = (message: string) => resolve({ ok: false, message });
    const socket = connected(place);
    if (socket instanceof Error) return fail(socket.message);
    socket.once('error', error => fail(error.message));
    socket.once('close', () => fail('it ended'));
    createInterface(socket).once('line', line => {
      resolve(JSON.parse(line) as Answer);
      socket.destroy();
    });
    socket.write(`${JSON.stringify(what)}\n`);
  });
}
