// Every number of verwalter, each with its reason. Nothing else in the package holds a literal time or size.

import { SCHEDULE_BYTES_MAX } from '@suite/shared/wire/verwalter.ts';

/** TCP (HTTP) and UDP (election). The same on every node: a peer's address comes from cantal with only the port replaced. */
export const PORT = 8379;
export const HOST = '127.0.0.1';
export const CONFIG_DIR = '/etc/verwalter';
export const STORAGE_DIR = '/var/lib/verwalter';
export const LOG_DIR = '/var/log/verwalter';
export const CANTAL_URL = 'http://127.0.0.1:22682';
export const MACHINE_ID_FILE = '/etc/machine-id';

/** Times of the election core, ms. */
export interface ElectionTimes {
  readonly heartbeatMs: number;
  readonly timeoutMinMs: number;
  readonly timeoutMaxMs: number;
  readonly electingMinMs: number;
  readonly electingMaxMs: number;
  readonly startMs: number;
  readonly leaseMs: number;
}

export const ELECTION: ElectionTimes = {
  /** Two packets per peer and second: 100 peers cost a leader about 40 kB/s. */
  heartbeatMs: 500,
  /** Three heartbeats must be lost in a row before anybody doubts the leader (2.7 % of the time at 30 % loss, never on a LAN). */
  timeoutMinMs: 1_600,
  /** Twice the minimum: wide enough that five followers rarely time out within one round trip of each other. */
  timeoutMaxMs: 3_200,
  /** A LAN answers in 1 ms; 500 ms also covers a WAN and a busy voter. Random up to twice that, so two candidates part ways. */
  electingMinMs: 500,
  electingMaxMs: 1_000,
  /** Silence after a start: one longest election timeout, see the note on lost ballots in core/election/state.ts. */
  startMs: 3_200,
  /** Majority mode only: a leader that has not heard a majority for twice the longest timeout has surely been replaced. */
  leaseMs: 6_400,
};

/** cantal pings each peer about every second in small clusters: three lost pings in a row and the poll that tells us. */
export const PEER_STALE_MS = 4_000;
/** A list older than this says nothing about who is away: then everybody listed counts (a restart of cantal takes 1-2 s). */
export const PEER_LIST_FRESH_MS = 5_000;
export const CANTAL_POLL_MS = 1_000;
/** One poll; shorter than the interval, so polls never overlap. */
export const CANTAL_TIMEOUT_MS = 900;

/** Two heartbeats: enough for every living peer to answer the new leader twice. */
export const PREFETCH_SETTLE_MS = 1_000;
/** After this the leader schedules with the parents it has: availability over completeness. */
export const PREFETCH_MAX_MS = 3_000;
/** One request for a schedule between nodes. */
export const FETCH_TIMEOUT_MS = 3_000;
/** While prefetching a peer has to answer faster: another one may hold the same schedule. */
export const PREFETCH_REQUEST_MS = 1_000;
/** Pause before asking again after a failure or a wrong answer; random inside the range so followers spread. */
export const FETCH_RETRY_MIN_MS = 100;
export const FETCH_RETRY_MAX_MS = 300;
/** A node that changed to another leader's schedule mentions its old one for this long: 60 pongs, one of which will arrive. */
export const FORK_MS = 30_000;
/** Schedules kept by hash for peers that collect parents: the own ones, a few forks and the current one. */
export const SCHEDULES_KEPT = 8;

/** A change (button, peer lost, new metrics) reaches the schedule within this. */
export const SCHEDULER_MIN_INTERVAL_MS = 1_000;
/** Scripts with timers (roll-outs) are run at least this often, as they always were. */
export const SCHEDULER_MAX_INTERVAL_MS = 5_000;
/** One run of the script. The worker is ended then, the daemon lives on. */
export const SCHEDULER_DEADLINE_MS = 5_000;
/** What other nodes accept (wire/verwalter.ts), less the envelope of hash, time and origin. */
export const SCHEDULE_DATA_BYTES_MAX = SCHEDULE_BYTES_MAX - 1_024;
/** After a failed run. */
export const SCHEDULER_RETRY_MS = 1_000;
/** A leader without one good run for this long steps aside (exit 91), so another node can try. */
export const SCHEDULER_WATCHDOG_MS = 300_000;
/** One metrics request to one cantal; all peers are asked at once, a slow one is left out of that round. */
export const METRICS_TIMEOUT_MS = 800;

/** After a failed write of the schedule. */
export const STORAGE_RETRY_MS = 5_000;

/** Re-rendering a failed role: first after 1 s, then doubling up to a minute. */
export const ROLE_RETRY_MIN_MS = 1_000;
export const ROLE_RETRY_MAX_MS = 60_000;

export const HISTORY_KEPT = { hourly: 36, daily: 14, weekly: 12 } as const;
/** Ids are second × 1000 + counter. */
export const ACTIONS_PER_SECOND = 1_000;
/** Pending actions of a leader whose scheduler keeps failing. */
export const ACTIONS_PENDING_MAX = 10_000;

/** Metadata tree: one file, all files together, nesting, number of files. */
export const RUNTIME_FILE_BYTES_MAX = 4 * 1024 * 1024;
export const RUNTIME_BYTES_MAX = 64 * 1024 * 1024;
export const RUNTIME_DEPTH_MAX = 16;
export const RUNTIME_FILES_MAX = 20_000;
/** One Lua source, and how many of them. */
export const LUA_FILE_BYTES_MAX = 1024 * 1024;
export const LUA_FILES_MAX = 2_000;

export const HTTP_CONNECTIONS_MAX = 500;
export const HTTP_HEADERS_TIMEOUT_MS = 5_000;
export const HTTP_REQUEST_TIMEOUT_MS = 10_000;
/** `/v1/wait_action` answers 503 after this. */
export const WAIT_ACTION_MS = 60_000;
/** A leader answers a button in milliseconds; one that does not is dead or stopped, and the person should hear that. */
export const FORWARD_TIMEOUT_MS = 3_000;
/** Registered actions of a leader that lost its place look this long for the next one: an election and its prefetch take 5 s. */
export const HANDOVER_MS = 30_000;
export const HANDOVER_RETRY_MS = 500;
/** Events are coalesced: a browser cannot show more than this anyway. */
export const EVENT_INTERVAL_MS = 100;
export const EVENT_CLIENTS_MAX = 200;
export const FRONTEND = 'common';

/** One command of a render file: `nginx -t` takes 0.1 s, a package's reload script some seconds; a hanging one must not hold the other roles. */
export const COMMAND_TIMEOUT_MS = 60_000;
/** Of one command's output, kept in the role log. */
export const COMMAND_OUTPUT_BYTES_MAX = 1024 * 1024;
/** One template or render file, one rendered file, and what a set may consist of. */
export const TEMPLATE_BYTES_MAX = 1024 * 1024;
export const RENDERED_BYTES_MAX = 16 * 1024 * 1024;
export const TEMPLATE_FILES_MAX = 1_000;
export const TEMPLATE_DEPTH_MAX = 8;
/** Files one `!CleanFiles`, `!SplitText` or `!Condition` walks over. */
export const WALK_FILES_MAX = 100_000;
/** A text log is continued while it is smaller. */
export const LOG_SEGMENT_BYTES_MAX = 10 * 1024 * 1024;
/** One file of `sandbox/`. */
export const SANDBOX_FILE_BYTES_MAX = 256 * 1024;
