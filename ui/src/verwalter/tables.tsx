import type { RoleState, VerwalterPeer, VerwalterStatus } from '@suite/shared/wire/verwalter.ts';
import { duration } from '../common/format.ts';
import { nowMs } from '../common/frame.tsx';
import { type Column, Table } from '../common/table.tsx';

const ago = (ms: number | null): string =>
  ms === null ? 'never' : `${duration(Math.max(0, nowMs.value - ms))} ago`;
const here = (peer: VerwalterPeer): string => `http://${peer.primary_addr}/${location.search}`;

const PEERS: readonly Column<VerwalterPeer>[] = [
  { title: 'host', value: peer => peer.hostname, show: peer => <a href={here(peer)}>{peer.hostname}</a> },
  {
    title: 'state',
    value: peer => (peer.reachable ? 'reachable' : 'silent'),
    show: peer => (
      <span class={`pill ${peer.reachable ? 'good' : 'bad'}`}>{peer.reachable ? 'reachable' : 'silent'}</span>
    ),
  },
  { title: 'address', value: peer => peer.primary_addr ?? '' },
  { title: 'heard by cantal', value: peer => ago(peer.last_report_direct) },
  { title: 'election packet', value: peer => ago(peer.last_pong_ms) },
  {
    title: 'schedule',
    value: peer => peer.schedule?.hash ?? '',
    show: peer => <code>{peer.schedule?.hash.slice(0, 8) ?? '–'}</code>,
  },
  {
    title: 'errors',
    value: peer => peer.errors,
    show: peer => <span class={peer.errors > 0 ? 'bad' : ''}>{peer.errors}</span>,
  },
];

export function Peers({ peers }: { peers: readonly VerwalterPeer[] }) {
  if (peers.length === 0)
    return <p class="quiet">No peers: this node is the whole cluster, or cantal has not answered yet.</p>;
  return <Table columns={PEERS} rows={peers} rowKey={peer => peer.id} />;
}

function State({ role }: { role: RoleState }) {
  if (role.ok) return <span class="good">applied</span>;
  const next =
    role.retry_at === null ? '' : `, next try in ${duration(Math.max(0, role.retry_at - nowMs.value))}`;
  return (
    <span class="bad">
      failed{role.attempts > 1 ? ` ${role.attempts} times` : ''}
      {next}
    </span>
  );
}

const ROLES: readonly Column<RoleState>[] = [
  { title: 'role', value: role => role.name },
  { title: 'state', value: role => (role.ok ? 'applied' : 'failed'), show: role => <State role={role} /> },
  { title: 'when', value: role => ago(role.finished_at) },
  { title: 'took', value: role => role.duration_ms, show: role => duration(role.duration_ms) },
  { title: 'files', value: role => (role.changed ? 'changed' : 'unchanged') },
  {
    title: 'error',
    value: role => role.error ?? '',
    show: role => <code class="bad">{role.error?.slice(0, 200)}</code>,
  },
];

export function Roles({ status }: { status: VerwalterStatus }) {
  if (status.role_states.length === 0) return <p class="quiet">Nothing was rendered on this host yet.</p>;
  return <Table columns={ROLES} rows={status.role_states} rowKey={role => role.name} />;
}
