import type { CantalStatus } from '@suite/shared/wire/cantal.ts';
import type { Agent } from './agent.ts';

declare const SUITE_VERSION: string;

const round = (value: number): number => Math.round(value * 100) / 100;

export function statusOf(agent: Agent): CantalStatus {
  const { scanner, loop, options } = agent;
  const { history } = scanner;
  const scan = loop.last;
  const counts = agent.gossip?.counts() ?? { peers: 0, stale: 0, reachable: 0 };
  return {
    version: SUITE_VERSION,
    id: agent.identity.id,
    hostname: agent.identity.host,
    name: agent.identity.name,
    cluster_name: options.clusterName ?? null,
    pid: process.pid,
    startup_time: agent.startedMs,
    current_time: Math.round(agent.clock.wallMs()),
    boot_time: scanner.processes.bootTime ?? null,
    interval_ms: options.intervalMs,
    scan_time: scan?.timestampMs ?? 0,
    scan_duration: round(scan?.durationMs ?? 0),
    scan_load_percent: round(((scan?.durationMs ?? 0) / options.intervalMs) * 100),
    scans: loop.scans,
    skipped_scans: loop.skipped,
    processes: scan?.processes ?? 0,
    fine_values: scan?.metrics ?? 0,
    tip_values: scanner.tips.size,
    num_peers: counts.peers,
    num_stale: counts.stale,
    num_reachable: counts.reachable,
    history: {
      scans: history.length,
      oldest: history.oldestMs() ?? null,
      keep_ms: options.keepHistoryMs,
      bytes: history.bytes(),
      refused_series: history.slots.refusedSeries,
    },
    collectors: scanner.status(),
    self_report: agent.meter.report,
    threads_report: {},
    storage: agent.storage,
  };
}
