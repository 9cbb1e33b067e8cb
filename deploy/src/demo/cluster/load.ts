// A steady stream of visits through nginx. Open loop: a slow answer does not slow the next question down, but the number
// of questions in flight is bounded.
import { Agent, type ClientRequest, get } from 'node:http';
import { LOAD, PORTS } from '../defaults.ts';

/** Questions are sent in small bunches: Node's timers are no finer than a millisecond. */
const TICK_MS = 10;

export interface LoadCounts {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Of the failed: how many by status code or error code. */
  readonly failures: Readonly<Record<string, number>>;
  /** Asked once more because the server had closed a kept connection at that moment. */
  readonly retried: number;
  /** Not sent because too many were in flight, or because nobody runs nginx. */
  readonly held: number;
  /** Different workers that made the pages. */
  readonly workers: number;
}

interface Tally {
  sent: number;
  answered: number;
  readonly failures: Map<string, number>;
  retried: number;
  held: number;
  readonly workers: Set<string>;
}

function emptyTally(): Tally {
  return { sent: 0, answered: 0, failures: new Map(), retried: 0, held: 0, workers: new Set() };
}

export class Load {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: LOAD.inFlightMax });
  private readonly target: () => string | undefined;
  private readonly port: number;
  private timer: NodeJS.Timeout | undefined;
  private owed = 0;
  private inFlight = 0;
  private lastMs = 0;
  private tally = emptyTally();

  /** `target`: address of nginx now, undefined while nobody runs it. */
  constructor(target: () => string | undefined, port: number = PORTS.nginx) {
    this.target = target;
    this.port = port;
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
    this.owed = 0;
  }

  close(): void {
    this.stop();
    this.agent.destroy();
  }

  /** Counts since the last `take`. */
  counts(): LoadCounts {
    const { sent, answered, failures, retried, held, workers } = this.tally;
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
    return {
      sent,
      answered,
      failed,
      failures: Object.fromEntries(failures),
      retried,
      held,
      workers: workers.size,
    };
  }

  /** Counts since the last call, and begins anew. */
  take(): LoadCounts {
    const counts = this.counts();
    this.tally = emptyTally();
    return counts;
  }

  private tick(requestsPerSecond: number): void {
    const nowMs = performance.now();
    this.owed += ((nowMs - this.lastMs) / 1000) * requestsPerSecond;
    this.lastMs = nowMs;
    for (; this.owed >= 1; this.owed--) {
      if (this.inFlight >= LOAD.inFlightMax) this.tally.held++;
      else this.visit();
    }
  }

  private visit(): void {
    const host = this.target();
    if (host === undefined) {
      this.tally.held++;
      return;
    }
    this.inFlight++;
    this.tally.sent++;
    this.send(host, reason => {
      this.inFlight--;
      if (reason === undefined) this.tally.answered++;
      else this.tally.failures.set(reason, (this.tally.failures.get(reason) ?? 0) + 1);
    });
  }

  /** `done` gets why it failed. A kept connection may be closed by the server at the moment it is used again: that is no failure. */
  private send(host: string, done: (reason: string | undefined) => void): void {
    let reason: string | undefined = 'no answer';
    let again = false;
    const question = get(
      { host, port: this.port, agent: this.agent, timeout: LOAD.requestTimeoutMs },
      answer => {
        const worker = answer.headers['x-demo-worker'];
        if (typeof worker === 'string') this.tally.workers.add(worker);
        answer.on('end', () => {
          reason = answer.statusCode === 200 ? undefined : String(answer.statusCode);
        });
        reason = 'cut off';
        answer.on('error', () => {});
        answer.resume();
      },
    );
    question.on('timeout', () => question.destroy(Object.assign(new Error('timeout'), { code: 'timeout' })));
    question.on('error', error => {
      reason = codeOf(error);
      again = wasClosedMeanwhile(question, reason);
    });
    question.on('close', () => {
      if (!again) return done(reason);
      this.tally.retried++;
      this.send(host, done);
    });
  }
}

/** As browsers do: a GET on a connection that had served before, and that was reset before any answer came. */
function wasClosedMeanwhile(question: ClientRequest, reason: string): boolean {
  return question.reusedSocket && (reason === 'ECONNRESET' || reason === 'EPIPE');
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
