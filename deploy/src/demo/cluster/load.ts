// A steady stream of visits through nginx. Open loop: a slow answer does not slow the next question down, but the number
// of questions in flight is bounded.
import { Agent, get } from 'node:http';
import { LOAD, PORTS } from '../defaults.ts';

/** Questions are sent in small bunches: Node's timers are no finer than a millisecond. */
const TICK_MS = 10;

export interface LoadCounts {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Not sent because too many were in flight. */
  readonly held: number;
}

export class Load {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: LOAD.inFlightMax });
  private readonly target: () => string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private owed = 0;
  private inFlight = 0;
  private lastMs = 0;
  private counts = { sent: 0, answered: 0, failed: 0, held: 0 };

  /** `target`: address of nginx now, undefined while nobody runs it. */
  constructor(target: () => string | undefined) {
    this.target = target;
  }

  get running(): boolean {
    return this.timer !== undefined;
  }

  start(requestsPerSecond: number = LOAD.requestsPerSecond): void {
    this.stop();
    this.lastMs = performance.now();
    this.timer = setInterval(() => this.tick(requestsPerSecond), TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  close(): void {
    this.stop();
    this.agent.destroy();
  }

  /** Counts since the last call. */
  take(): LoadCounts {
    const counts = this.counts;
    this.counts = { sent: 0, answered: 0, failed: 0, held: 0 };
    return counts;
  }

  private tick(requestsPerSecond: number): void {
    const nowMs = performance.now();
    this.owed += ((nowMs - this.lastMs) / 1000) * requestsPerSecond;
    this.lastMs = nowMs;
    for (; this.owed >= 1; this.owed--) {
      if (this.inFlight >= LOAD.inFlightMax) this.counts.held++;
      else this.visit();
    }
  }

  private visit(): void {
    const host = this.target();
    if (host === undefined) {
      this.counts.held++;
      return;
    }
    this.inFlight++;
    this.counts.sent++;
    this.send(host, ok => {
      this.inFlight--;
      if (ok) this.counts.answered++;
      else this.counts.failed++;
    });
  }

  /** A kept connection may be closed by the server at the moment it is used again: that one is asked once more. */
  private send(host: string, done: (ok: boolean) => void): void {
    let ok = false;
    let again = false;
    const question = get(
      { host, port: PORTS.nginx, agent: this.agent, timeout: LOAD.requestTimeoutMs },
      answer => {
        ok = answer.statusCode === 200;
        answer.on('error', () => {
          ok = false;
        });
        answer.resume();
      },
    );
    question.on('timeout', () => question.destroy());
    question.on('error', (error: NodeJS.ErrnoException) => {
      ok = false;
      again = question.reusedSocket && error.code === 'ECONNRESET';
    });
    question.on('close', () => (again ? this.send(host, done) : done(ok)));
  }
}
