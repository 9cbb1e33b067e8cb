import { fetchMetrics, urlHost } from '../adapters/cantal-client.ts';
import type { Peer } from '../core/peers/table.ts';
import type { Json, MultiSeries, SchedulerInput, SchedulerPeer } from '../core/scheduler/engine.ts';
import type { ElectionLoop } from './election-loop.ts';
import type { Context } from './options.ts';
import type { SharedState } from './shared-state.ts';

type Metrics = Record<string, Readonly<Record<string, MultiSeries>>>;

/** The peers as the scheduler sees them. */
export function schedulerPeers(election: ElectionLoop, port: number): Record<string, SchedulerPeer> {
  const peers = [...(election.table.peers?.values() ?? [])].sort((one, two) => (one.id < two.id ? -1 : 1));
  return Object.fromEntries(peers.map(peer => [peer.id, schedulerPeer(peer, port)]));
}

function schedulerPeer({ report, ...peer }: Peer, port: number): SchedulerPeer {
  return {
    id: peer.id,
    addr: report.address === null ? null : `${urlHost(report.address)}:${port}`,
    name: report.name,
    hostname: report.hostname,
    schedule: peer.schedule,
    known_since: report.knownSinceMs,
    last_report_direct: report.lastReportDirectMs,
    last_pong_ms: peer.lastPongWallMs,
    reachable: peer.responsive,
    errors: peer.errors,
  };
}

/** Runs the schedule's own metric rules on the cantal of every reachable machine, this one included. Silent machines are left out. */
export async function gatherMetrics(
  context: Context,
  election: ElectionLoop,
  schedule: unknown,
): Promise<Metrics> {
  const rules = metricRules(schedule);
  if (rules === undefined) return {};
  const sources: (readonly [id: string, url: string])[] = [...(election.table.peers?.values() ?? [])]
    .filter(peer => peer.responsive && peer.report.address !== null)
    .map(
      ({ id, report }) => [id, `http://${urlHost(report.address as string)}:${report.cantalPort}`] as const,
    );
  sources.push([context.options.machineId, context.options.cantalUrl]);
  const metrics: Metrics = {};
  await Promise.all(
    sources.map(async ([id, url]) => {
      const answer = await fetchMetrics(url, rules);
      if ('error' in answer) context.log.debug('no metrics', { url, error: answer.error });
      else metrics[id] = answer as Readonly<Record<string, MultiSeries>>;
    }),
  );
  return Object.fromEntries(Object.entries(metrics).sort(([one], [two]) => (one < two ? -1 : 1)));
}

function metricRules(schedule: unknown): Readonly<Record<string, unknown>> | undefined {
  const rules = (schedule as { query_metrics?: { rules?: unknown } } | null)?.query_metrics?.rules;
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) return undefined;
  return Object.keys(rules).length === 0 ? undefined : (rules as Readonly<Record<string, unknown>>);
}

export interface InputParts {
  readonly parents: readonly Json[];
  readonly actions: Readonly<Record<string, Json>>;
  readonly runtime: Json;
  readonly metrics: Metrics;
}

export function buildInput(
  context: Context,
  election: ElectionLoop,
  shared: SharedState,
  parts: InputParts,
): SchedulerInput {
  const { options, ports } = context;
  const now = ports.clock.wallMs();
  const self: SchedulerPeer = {
    id: options.machineId,
    addr: `${urlHost(options.addresses[0] as string)}:${options.port}`,
    name: options.name,
    hostname: options.hostname,
    schedule: shared.owned && {
      timestamp: shared.owned.timestamp,
      hash: shared.owned.hash,
      origin: shared.owned.origin,
    },
    known_since: now,
    last_report_direct: now,
    last_pong_ms: now,
    reachable: true,
    errors: shared.errorCount,
  };
  return {
    now,
    current_host: options.hostname,
    current_id: options.machineId,
    ...parts,
    peers: schedulerPeers(election, options.port),
    self,
  };
}

/** Equal for two inputs that differ only by the time that passed: then there is no hurry to run again. */
export function inputDigest(input: SchedulerInput): string {
  const peers = Object.values(input.peers).map(peer => [
    peer.id,
    peer.addr,
    peer.hostname,
    peer.reachable,
    peer.errors,
  ]);
  return JSON.stringify([peers, input.self?.errors, input.actions, input.metrics, input.parents.length]);
}
