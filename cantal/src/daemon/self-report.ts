// What the daemon itself costs, sampled once per scan.
import { cpus } from 'node:os';
import type { SelfReport } from '@suite/shared/wire/cantal.ts';

export class SelfMeter {
  readonly #startedMs: number;
  readonly #cores = cpus().length;
  #before: { readonly atMs: number; readonly cpuMs: number } | undefined;
  report: SelfReport | null = null;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  /** `wallMs` is shown, `monotonicMs` measures. */
  sample(wallMs: number, monotonicMs: number): void {
    const usage = process.cpuUsage();
    const cpuMs = (usage.user + usage.system) / 1000;
    const before = this.#before;
    this.#before = { atMs: monotonicMs, cpuMs };
    if (before === undefined || monotonicMs <= before.atMs) return;
    const share = ((cpuMs - before.cpuMs) / (monotonicMs - before.atMs)) * 100;
    this.report = {
      timestamp: Math.round(wallMs),
      duration: Math.round(monotonicMs - before.atMs),
      start_time: this.#startedMs,
      process_cpu_usage: Math.round(share * 100) / 100,
      global_cpu_usage: Math.round((share / this.#cores) * 100) / 100,
      memory_rss: process.memoryUsage.rss(),
      memory_rss_peak: process.resourceUsage().maxRSS * 1024,
    };
  }
}
