import type { LeaderInfo, VerwalterPeer, VerwalterStatus } from '@suite/shared/wire/verwalter.ts';
import type { VerwalterNode } from './node.ts';
import { schedulerPeers } from './scheduler-input.ts';

/** `/v1/peers`. */
export function peerList(node: VerwalterNode): VerwalterPeer[] {
  return Object.values(schedulerPeers(node.election, node.context.options.port)).map(({ addr, ...peer }) => ({
    ...peer,
    primary_addr: addr,
  }));
}

function leaderInfo(node: VerwalterNode): LeaderInfo | null {
  const { options } = node.context;
  const id = node.election.leader;
  if (id === null) return null;
  if (id === options.machineId) {
    const schedule = node.shared.owned?.hash ?? null;
    return { id, name: options.name, hostname: options.hostname, addr: null, schedule };
  }
  const peer = schedulerPeers(node.election, options.port)[id];
  if (peer === undefined) return null;
  return {
    id,
    name: peer.name,
    hostname: peer.hostname,
    addr: peer.addr,
    schedule: peer.schedule?.hash ?? null,
  };
}

function roleCount(node: VerwalterNode): number {
  const roles = node.shared.known?.data.roles;
  const common = typeof roles === 'object' && roles !== null ? Object.keys(roles) : [];
  return new Set([...common, ...node.shared.roles.map(role => role.name)]).size;
}

/** `/v1/status`. */
export function statusOf(node: VerwalterNode): VerwalterStatus {
  const { shared, election, exchange, context } = node;
  const { options, ports } = context;
  const failed = shared.roles.filter(role => !role.ok).map(role => role.name);
  const peers = [...(election.table.peers?.values() ?? [])];
  return {
    schemaVersion: 1,
    version: `v${options.version}`,
    id: options.machineId,
    name: options.name,
    hostname: options.hostname,
    now: ports.clock.wallMs(),
    peers: peers.length,
    peers_reachable: peers.filter(peer => peer.responsive).length,
    peers_timestamp: shared.peersTimestampMs,
    leader: leaderInfo(node),
    roles: roleCount(node),
    role_states: shared.roles,
    last_stable_timestamp: shared.lastStableMs,
    num_errors: shared.errorCount,
    errors: Object.fromEntries(shared.errors),
    failed_roles: failed,
    debug_force_leader: options.forceLeader,
    metrics: { ...shared.counters },
    fetch_state: exchange.fetchState,
    election_state: election.info(),
    schedule_id: exchange.stableHash,
    schedule_timestamp: shared.known?.timestamp ?? null,
    schedule_origin: shared.known?.origin ?? null,
    schedule_status: exchange.scheduleStatus,
    default_frontend: options.frontend,
  };
}
