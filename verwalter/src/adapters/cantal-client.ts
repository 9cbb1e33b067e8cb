import { isIP } from 'node:net';
import { CANTAL_LIMITS, type Dataset, type QueryReply, type SeriesValue } from '@suite/shared/wire/cantal.ts';
import { CANTAL_TIMEOUT_MS, METRICS_TIMEOUT_MS } from '../config/defaults.ts';
import type { PeerReport } from '../core/peers/table.ts';
import type { MetricSeries, MultiSeries } from '../core/scheduler/engine.ts';
import { fetchJson } from './http-client.ts';

/** More machines than this in one list are a broken answer. */
const PEERS_MAX = 10_000;
const PORT_MAX = 65_535;

/** The peers of the local cantal, or a sentence saying why there are none. `self` never appears among them. */
export async function fetchPeers(
  cantalUrl: string,
  self: string,
): Promise<{ readonly peers: readonly PeerReport[] } | { readonly error: string }> {
  const limits = { timeoutMs: CANTAL_TIMEOUT_MS, maxBytes: CANTAL_LIMITS.peersReplyBytes };
  const answer = await fetchJson(`${cantalUrl}/all_peers.json`, limits);
  if (!answer.ok) return { error: answer.error };
  const list = (answer.value as { peers?: unknown } | null)?.peers;
  if (!Array.isArray(list) || list.length > PEERS_MAX) return { error: 'the answer has no list "peers"' };
  return { peers: list.map(readPeer).filter(peer => peer !== undefined && peer.id !== self) as PeerReport[] };
}

/** Entries without a readable id are left out; every other field may be missing. */
function readPeer(raw: unknown): PeerReport | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { id, hostname, name, primary_addr, known_since, last_report_direct } = raw as Record<
    string,
    unknown
  >;
  if (typeof id !== 'string' || !/^([0-9a-f]{2}){1,64}$/i.test(id)) return undefined;
  const host = typeof hostname === 'string' && hostname !== '' ? hostname : id;
  const endpoint = typeof primary_addr === 'string' ? splitEndpoint(primary_addr) : undefined;
  return {
    id: id.toLowerCase(),
    hostname: host,
    name: typeof name === 'string' && name !== '' ? name : host,
    address: endpoint?.address ?? null,
    cantalPort: endpoint?.port ?? 0,
    knownSinceMs: typeof known_since === 'number' ? known_since : 0,
    lastReportDirectMs: typeof last_report_direct === 'number' ? last_report_direct : null,
  };
}

/** `1.2.3.4:5` or `[::1]:5`. */
function splitEndpoint(text: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  return isIP(address) !== 0 && port > 0 && port <= PORT_MAX ? { address, port } : undefined;
}

/** An address as it stands in a URL. */
export function urlHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Runs the rules on one cantal; series come oldest first and without gaps. An unanswered question is an error text. */
export async function fetchMetrics(
  cantalUrl: string,
  rules: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, MultiSeries>> | { readonly error: string }> {
  const limits = { timeoutMs: METRICS_TIMEOUT_MS, maxBytes: CANTAL_LIMITS.peersReplyBytes };
  const answer = await fetchJson(`${cantalUrl}/query.json`, { ...limits, body: { rules } });
  if (!answer.ok) return { error: answer.error };
  const values = (answer.value as QueryReply | null)?.values;
  if (typeof values !== 'object' || values === null) return { error: 'the answer has no "values"' };
  return Object.fromEntries(Object.entries(values).map(([name, dataset]) => [name, toMultiSeries(dataset)]));
}

function toMultiSeries(dataset: Dataset): MultiSeries {
  return { type: 'multi_series', items: itemsOf(dataset) };
}

function itemsOf(dataset: Dataset): MetricSeries[] {
  switch (dataset.type) {
    case 'SingleSeries':
      return [oldestFirst(dataset.timestamps, dataset.series)];
    case 'MultiSeries':
      return dataset.series.map(series => oldestFirst(dataset.timestamps, series));
    case 'SingleTip':
    case 'MultiTip':
      return (dataset.type === 'SingleTip' ? [dataset.tip] : dataset.tips).flatMap(
        ({ key, value, timestamps }) =>
          typeof value === 'number' ? [{ key, timestamps: [timestamps[0]], values: [value] }] : [],
      );
    default:
      return [];
  }
}

function oldestFirst(timestamps: readonly number[], series: SeriesValue): MetricSeries {
  const points = series.values.flatMap((value, at) => {
    const timestamp = timestamps[at];
    return value === null || timestamp === undefined ? [] : [[timestamp, value] as const];
  });
  points.reverse();
  return {
    key: series.key,
    timestamps: points.map(([time]) => time),
    values: points.map(([, value]) => value),
  };
}
