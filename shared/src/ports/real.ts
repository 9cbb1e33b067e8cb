import { randomFillSync, randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from './clock.ts';
import type { Net, UdpSocket } from './net.ts';
import type { Random } from './random.ts';

export { realDisk } from './real-disk.ts';
export { realProc } from './real-proc.ts';

/** setTimeout fires at once above this; nobody here waits 24 days in one step. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    // Node rounds down to whole milliseconds, which would run before the time has passed.
    const timer = setTimeout(run, Math.min(Math.max(Math.ceil(delayMs), 0), MAX_DELAY_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const realRandom: Random = {
  next: () => Math.random(),
  between: (minInclusive, maxExclusive) => randomInt(minInclusive, maxExclusive),
  bytes: count => randomFillSync(new Uint8Array(count)),
};

/** Peers report ports; Node throws at one that cannot be. */
function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

function wrap(socket: Socket): UdpSocket {
  let open = true;
  return {
    port: socket.address().port,
    send(data, to) {
      // An unreachable peer is a normal state of a network: same as a lost packet.
      if (open && isPort(to.port)) socket.send(data, to.port, to.address, () => {});
    },
    close() {
      if (open) socket.close();
      open = false;
    },
  };
}

export const realNet: Net = {
  udp(address, port, onPacket) {
    return new Promise((resolve, reject) => {
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
      socket.once('error', reject);
      socket.on('message', (data, from) => onPacket(data, { address: from.address, port: from.port }));
      socket.bind(port, address, () => {
        socket.removeListener('error', reject);
        socket.on('error', () => {});
        resolve(wrap(socket));
      });
    });
  },
};
