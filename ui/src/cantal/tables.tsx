import { signal } from '@preact/signals';
import type { CantalPeer, CantalStatus, ProcessInfo } from '@suite/shared/wire/cantal.ts';
import { bytes, duration } from '../common/format.ts';
import { nowMs } from '../common/frame.tsx';
import { type Column, Table } from '../common/table.tsx';

/** Clock of the agent minus ours: ages of what it reports are counted on its own clock. */
export const agentAheadMs = signal(0);
const ageMs = (atMs: number): number => Math.max(0, nowMs.value + agentAheadMs.value - atMs);

const address = (peer: CantalPeer): string => peer.primary_addr ?? '';

function PeerState({ peer }: { peer: CantalPeer }) {
  if (peer.reachable) return <span class="good pill">reachable</span>;
  const since = peer.unreachable_since;
  return <span class="bad pill">unreachable{since === null ? '' : ` since ${duration(ageMs(since))}`}</span>;
}

const PEERS: readonly Column<CantalPeer>[] = [
  {
    title: 'peer',
    value: peer => peer.name || peer.id,
    show: peer =>
      peer.primary_addr === null ? (
        peer.name || peer.id
      ) : (
        <a href={`http://${peer.primary_addr}/${location.search}`}>{peer.name || peer.id}</a>
      ),
  },
  {
    title: 'state',
    value: peer => (peer.reachable ? 'reachable' : 'unreachable'),
    show: peer => <PeerState peer={peer} />,
  },
  { title: 'address', value: address },
  {
    title: 'heard',
    value: peer => (peer.last_report_direct === null ? Number.MAX_VALUE : ageMs(peer.last_report_direct)),
    show: peer =>
      peer.last_report_direct === null ? 'never' : `${duration(ageMs(peer.last_report_direct))} ago`,
  },
  {
    title: 'round trip',
    value: peer => peer.roundtrip ?? 0,
    show: peer => (peer.roundtrip === null ? '–' : `${peer.roundtrip} ms`),
  },
  { title: 'its peers', value: peer => peer.peers ?? 0 },
  { title: 'pings', value: peer => peer.pings_received },
  { title: 'pongs', value: peer => peer.pongs_received },
];

export function Peers({ peers }: { peers: readonly CantalPeer[] }) {
  if (peers.length === 0) return <p class="quiet">No peers: this agent runs alone, or has just started.</p>;
  return <Table columns={PEERS} rows={peers} rowKey={peer => peer.id} />;
}

const PROCESSES: readonly Column<ProcessInfo>[] = [
  { title: 'memory', value: one => one.rss, show: one => bytes(one.rss) },
  { title: 'pid', value: one => one.pid },
  { title: 'name', value: one => one.name },
  { title: 'container', value: one => one.cgroup ?? '' },
  {
    title: 'cpu time',
    value: one => one.user_time + one.system_time,
    show: one => duration(10 * (one.user_time + one.system_time)),
  },
  { title: 'threads', value: one => one.num_threads },
  {
    title: 'up',
    value: one => ageMs(one.start_timestamp),
    show: one => duration(ageMs(one.start_timestamp)),
  },
  {
    title: 'command',
    value: one => one.cmdline.replaceAll('\0', ' '),
    show: one => (
      <code title={one.cmdline.replaceAll('\0', ' ')}>{one.cmdline.replaceAll('\0', ' ').slice(0, 60)}</code>
    ),
  },
];

export function Processes({ processes }: { processes: readonly ProcessInfo[] }) {
  return <Table columns={PROCESSES} rows={processes} rowKey={one => String(one.pid)} limit={25} filter />;
}

type Collector = CantalStatus['collectors'][number];

const COLLECTORS: readonly Column<Collector>[] = [
  { title: 'collector', value: one => one.name },
  {
    title: 'state',
    value: one => (one.ok ? 'ok' : 'failed'),
    show: one => <span class={one.ok ? 'good' : 'bad'}>{one.ok ? 'ok' : one.error}</span>,
  },
  { title: 'last', value: one => one.duration_ms, show: one => `${one.duration_ms.toFixed(2)} ms` },
  { title: 'failures', value: one => one.failures },
];

export function Collectors({ status }: { status: CantalStatus }) {
  return <Table columns={COLLECTORS} rows={status.collectors} rowKey={one => one.name} sortBy={2} />;
}
