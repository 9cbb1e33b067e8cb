// Asks a program how it is: a TCP connection, an HTTP request, or a command inside its container.
import { closeSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { isIPv6, Socket } from 'node:net';
import { inNetwork } from '@suite/shared/linux/netns.ts';
import { AF_INET, AF_INET6 } from '@suite/shared/linux/socket-address.ts';
import { streamSocket } from '@suite/shared/linux/sockets.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { DesiredInstance, NetworkSpec, Probe } from '../core/desired/types.ts';
import type { Inside } from './inside.ts';

/** The program that is asked. `pid`: of a process in its container. */
export interface Asked {
  readonly desired: DesiredInstance;
  readonly run: number;
  readonly pid: number;
}

/** What is wrong, in words; null: all is well. */
export type Answer = string | null;

const LOOPBACK = '127.0.0.1';
const [GOOD, BAD] = [200, 400];

/** Rejects never; gives up at once when `signal` says so. */
type Ask = (who: Asked, probe: Probe, signal: AbortSignal) => Promise<Answer>;

function addressOf(network: NetworkSpec): string {
  return network.kind === 'bridged' ? (network.address ?? LOOPBACK) : LOOPBACK;
}

/** Not connected yet. One in the network of the container reaches it whatever the host routes. */
function newSocket({ desired, pid }: Asked): Socket {
  if (desired.network.kind === 'host') return new Socket();
  const namespace = openSync(`/proc/${pid}/ns/net`, 'r');
  try {
    const family = isIPv6(addressOf(desired.network)) ? AF_INET6 : AF_INET;
    const fd = inNetwork(namespace, () => streamSocket(family));
    // Node reads from a socket it is given at once, which this one is not ready for.
    return new Socket({ fd, manualStart: true } as { fd: number });
  } finally {
    closeSync(namespace);
  }
}

/** Connects and then settles as `use` says; the time limit covers everything. */
function withSocket(
  who: Asked,
  port: number,
  { timeoutMs, signal, clock }: { timeoutMs: number; signal: AbortSignal; clock: Clock },
  use: (socket: Socket, settle: (answer: Answer) => void) => void,
): Promise<Answer> {
  return new Promise(resolve => {
    const socket = newSocket(who);
    const address = addressOf(who.desired.network);
    const settle = (answer: Answer) => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(answer);
    };
    const abort = () => settle('asked no more');
    const timer = clock.after(timeoutMs, () =>
      settle(`no answer from port ${port} within ${timeoutMs / 1000} s`),
    );
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', error =>
      settle(`port ${port}: ${(error as NodeJS.ErrnoException).code ?? error.message}`),
    );
    socket.connect(port, address);
    use(socket, settle);
  });
}

function askTcp(clock: Clock): Ask {
  return (who, { test, timeoutMs }, signal) => {
    if (test.kind !== 'tcp') throw new TypeError(test.kind);
    return withSocket(who, test.port, { timeoutMs, signal, clock }, (socket, settle) =>
      socket.once('connect', () => settle(null)),
    );
  };
}

function askHttp(clock: Clock): Ask {
  return (who, { test, timeoutMs }, signal) => {
    if (test.kind !== 'http') throw new TypeError(test.kind);
    const { port, path } = test;
    return withSocket(who, port, { timeoutMs, signal, clock }, (socket, settle) => {
      const address = addressOf(who.desired.network);
      const host = test.host ?? `${isIPv6(address) ? `[${address}]` : address}:${port}`;
      const call = request({
        createConnection: () => socket,
        path,
        headers: { host, connection: 'close', 'user-agent': 'lithos' },
      });
      call.on('error', error => settle(`port ${port}: ${error.message}`));
      call.on('response', ({ statusCode = 0 }) =>
        settle(
          statusCode >= GOOD && statusCode < BAD
            ? null
            : `port ${port} answers ${path} with status ${statusCode}`,
        ),
      );
      call.end();
    });
  };
}

/** So many at once; the others wait in order. `isIdle`: nobody has or waits for a turn. */
class Turns {
  private readonly count: number;
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.count = count;
    this.free = count;
  }

  get isIdle(): boolean {
    return this.free === this.count;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>(resolve => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}

function askExec(inside: Inside): Ask {
  // Each sandbox has its own: questions that hang in one must not keep those of another waiting.
  const turnsOf = new Map<string, Turns>();
  return async ({ desired, run }, { test, timeoutMs }, signal) => {
    if (test.kind !== 'exec') throw new TypeError(test.kind);
    const name = test.command[0] ?? '';
    const { sandbox } = desired;
    const turns = turnsOf.get(sandbox) ?? new Turns(LIMITS.execProbesMax);
    turnsOf.set(sandbox, turns);
    const answer = turns.take(async () => {
      if (signal.aborted) return 'asked no more';
      const result = await inside.run(desired.name, run, test.command, { timeoutMs, signal });
      if (result.timedOut) return `${name} did not end within ${timeoutMs / 1000} s`;
      if (result.code === 0) return null;
      const words = result.output === '' ? '' : `: ${result.output}`;
      return `${name} ended with ${result.code ?? 'a signal'}${words}`;
    });
    return await answer.finally(() => {
      if (turns.isIdle) turnsOf.delete(sandbox);
    });
  };
}

/** One function for every kind of question. Its promise is never rejected. */
export function asker(inside: Inside, clock: Clock): Ask {
  const table: { readonly [K in Probe['test']['kind']]: Ask } = {
    tcp: askTcp(clock),
    http: askHttp(clock),
    exec: askExec(inside),
  };
  return async (who, probe, signal) => {
    try {
      return await table[probe.test.kind](who, probe, signal);
    } catch (error) {
      return (error as Error).message;
    }
  };
}
