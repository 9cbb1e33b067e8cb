// One scan of the whole host. A collector that fails loses its own values of this scan and nothing else.
import { performance } from 'node:perf_hooks';
import type { CollectorStatus } from '@suite/shared/wire/cantal.ts';
import { DEFAULTS, HISTORY } from '../config/defaults.ts';
import { History } from '../core/history/history.ts';
import { Tips } from '../core/history/tips.ts';
import { Applications } from './applications.ts';
import { Cgroups } from './cgroups.ts';
import { type Collector, machineCollectors } from './machine.ts';
import { Processes } from './processes.ts';

/** States are forgotten a minute after their last sight. */
const TIP_KEEP_MS = 60_000;

export interface ScannerOptions {
  /** `/proc`, or a fixture tree. */
  readonly procRoot?: string;
  /** `/sys/fs/cgroup`; when absent also the mount of PID 1 is tried. */
  readonly cgroupRoot?: string;
  readonly cgroupBase?: string;
  readonly keepMs?: number;
  readonly log?: (message: string) => void;
}

export interface ScanResult {
  readonly timestampMs: number;
  readonly durationMs: number;
  /** Series with a value in this scan. */
  readonly metrics: number;
  readonly processes: number;
}

interface Health {
  error: string | null;
  durationMs: number;
  failures: number;
}

export class Scanner {
  readonly history: History;
  readonly tips: Tips;
  readonly processes: Processes;
  readonly #collectors: readonly Collector[];
  readonly #health = new Map<string, Health>();
  readonly #log: (message: string) => void;

  constructor(options: ScannerOptions) {
    const procRoot = options.procRoot ?? '/proc';
    const keepMs = options.keepMs ?? DEFAULTS.keepHistoryMs;
    this.#log = options.log ?? (() => undefined);
    this.history = new History({ keepMs, epochScans: HISTORY.epochScans, maxSeries: HISTORY.maxSeries });
    this.tips = new Tips(Math.min(keepMs, TIP_KEEP_MS));
    const { history, tips } = this;
    this.processes = new Processes({ procRoot, history, cgroupBase: options.cgroupBase });
    const { processes } = this;
    const mounts =
      options.cgroupRoot === undefined
        ? ['/sys/fs/cgroup', `${procRoot}/1/root/sys/fs/cgroup`]
        : [options.cgroupRoot];
    this.#collectors = [
      ...machineCollectors(procRoot, history),
      processes,
      new Cgroups({ history, processes, procRoot, mounts }),
      new Applications({ procRoot, history, tips, processes, log: this.#log }),
    ];
    for (const { name } of this.#collectors)
      this.#health.set(name, { error: null, durationMs: 0, failures: 0 });
  }

  /** Collects and stores. `nowMs` (unix) must be larger than at the scan before. */
  scan(nowMs: number): ScanResult {
    const started = performance.now();
    for (const collector of this.#collectors) this.#run(collector, nowMs);
    const metrics = this.history.commit(nowMs);
    const durationMs = performance.now() - started;
    return { timestampMs: nowMs, durationMs, metrics, processes: this.processes.byPid.size };
  }

  #run(collector: Collector, nowMs: number): void {
    const health = this.#health.get(collector.name) as Health;
    const started = performance.now();
    try {
      collector.collect(nowMs);
      health.error = null;
    } catch (error) {
      collector.blank();
      const message = error instanceof Error ? error.message : String(error);
      if (health.error !== message) this.#log(`collector ${collector.name}: ${message}`);
      health.error = message;
      health.failures++;
    }
    health.durationMs = performance.now() - started;
  }

  status(): CollectorStatus[] {
    return [...this.#health].map(([name, { error, durationMs, failures }]) => ({
      name,
      ok: error === null,
      error,
      duration_ms: Math.round(durationMs * 1000) / 1000,
      failures,
    }));
  }

  close(): void {
    for (const collector of this.#collectors) collector.close();
  }
}

/** All options have defaults: `createScanner().scan(Date.now())` scans this host. */
export function createScanner(options: ScannerOptions = {}): Scanner {
  return new Scanner(options);
}
