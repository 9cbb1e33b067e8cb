// JSON of verwalter's HTTP API (`/v1/...`) and of its WebSocket `/v1/events`. All times are ms since epoch unless a name says otherwise.
import type { ScheduleStamp } from './election.ts';

/** Largest schedule accepted from another node, and largest answer of any verwalter or cantal request. */
export const SCHEDULE_BYTES_MAX = 10 * 1024 * 1024;
/** Largest body of a POST to verwalter. */
export const ACTION_BYTES_MAX = 64 * 1024;

/** The schedule as it travels: `hash` is the SHA-1 of the canonical JSON of `data`, `origin` the machine id of the leader that made it. */
export interface ScheduleObject {
  readonly timestamp: number;
  readonly hash: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly origin: string;
}

/** One line of `/v1/peers`, and one value of the scheduler's `peers`. */
export interface VerwalterPeer {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  /** `ip:port` of verwalter on that machine; null when cantal knows no address. */
  readonly primary_addr: string | null;
  readonly known_since: number;
  /** When the local cantal last heard the machine itself. */
  readonly last_report_direct: number | null;
  readonly errors: number;
  readonly schedule: ScheduleStamp | null;
  /** When this node last got an election packet from it. */
  readonly last_pong_ms: number | null;
  /** Heard by cantal or by verwalter within the stale limit. */
  readonly reachable: boolean;
}

export type ElectionKind = 'starting' | 'electing' | 'voted' | 'follower' | 'leader';

/** `/v1/election`. */
export interface ElectionInfo {
  readonly kind: ElectionKind;
  readonly is_leader: boolean;
  readonly is_stable: boolean;
  readonly leader: string | null;
  readonly promoting: string | null;
  readonly num_votes_for_me: number | null;
  readonly needed_votes: number | null;
  readonly epoch: number;
  readonly deadline: number;
  /** While stable: since when this node leads or follows in this epoch. Otherwise: when that ended; null = never yet. */
  readonly last_stable_timestamp: number | null;
}

export type FetchState =
  | { readonly state: 'Unstable' }
  | { readonly state: 'Prefetching'; readonly waiting: readonly string[] }
  | { readonly state: 'StableLeader' }
  | { readonly state: 'Replicating'; readonly leader: string; readonly schedule: string | null };

/** `ok` = this node has the leader's schedule; `fetching` = another or none yet; `waiting` = the leader announced none; `unstable` = no leader. */
export type ScheduleStatus = 'ok' | 'fetching' | 'waiting' | 'unstable';

export interface LeaderInfo {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  /** null on the leader itself. */
  readonly addr: string | null;
  readonly schedule: string | null;
}

/** State of one role on one node: `retry_at` is set while a failed role waits for its next attempt. */
export interface RoleState {
  readonly name: string;
  readonly ok: boolean;
  readonly error?: string;
  readonly changed: boolean;
  readonly duration_ms: number;
  readonly finished_at: number;
  readonly attempts: number;
  readonly retry_at: number | null;
}

/** `/v1/status`, and the payload of every `status` event. */
export interface VerwalterStatus {
  readonly schemaVersion: 1;
  readonly version: string;
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly now: number;
  readonly peers: number;
  readonly peers_reachable: number;
  readonly peers_timestamp: number | null;
  readonly leader: LeaderInfo | null;
  readonly roles: number;
  readonly role_states: readonly RoleState[];
  readonly last_stable_timestamp: number | null;
  readonly num_errors: number;
  readonly errors: Readonly<Record<string, string>>;
  readonly failed_roles: readonly string[];
  readonly debug_force_leader: boolean;
  readonly metrics: Readonly<Record<string, number>>;
  readonly fetch_state: FetchState;
  readonly election_state: ElectionInfo;
  readonly schedule_id: string | null;
  readonly schedule_timestamp: number | null;
  readonly schedule_origin: string | null;
  readonly schedule_status: ScheduleStatus;
  readonly default_frontend: string;
}

/** One text frame of `/v1/events`: the whole status once after connecting and then after each change (at most 10 per second). */
export interface StatusEvent {
  readonly type: 'status';
  readonly status: VerwalterStatus;
}

/** A button as the scheduler describes it in `roles.R.global_actions` and `roles.R.daemon_actions`. */
export interface ButtonDescription {
  readonly id: string;
  readonly title: string;
  readonly kind?: 'default' | 'success' | 'danger' | 'warning' | 'info' | 'primary';
  readonly confirm?: string;
  readonly data?: unknown;
}

/** What pressing a button posts to `/v1/action`; any JSON value is accepted, this is the form the stock UI uses. */
export interface ButtonAction {
  readonly button: {
    readonly action: string;
    readonly role: string;
    readonly data?: unknown;
    readonly host?: string;
    readonly daemon?: string;
    readonly version?: string;
  };
}

/** Answer to `POST /v1/action`: the id under which the action is pending until a published run has seen it. */
export interface ActionRegistered {
  readonly registered: number;
}
