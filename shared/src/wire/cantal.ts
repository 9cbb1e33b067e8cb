// HTTP and WebSocket messages of the cantal daemon (port 22682). Times are unix milliseconds unless a name says otherwise.
// Field names are those cantal clients have always read (snake_case), so they are not translated here.

/** Label set that names one series; the metric's name is the label `metric`. */
export type MetricKey = Readonly<Record<string, string>>;

export type ValueKind = 'Counter' | 'Integer' | 'Float' | 'State';

// ---- queries: POST /query.json, POST /query.cbor, POST /remote/query_by_host.json --------------------------------

export type Condition =
  | readonly ['Eq', label: string, text: string]
  | readonly ['NotEq', label: string, text: string]
  | readonly ['RegexLike', label: string, pattern: string]
  | readonly ['Has', label: string]
  | readonly ['And', Condition, Condition]
  | readonly ['Or', Condition, Condition]
  | readonly ['Not', Condition];

export type Extract =
  | readonly ['Tip']
  | readonly ['DiffToAtMost', scans: number]
  | readonly ['HistoryByNum', scans: number]
  | readonly ['HistoryByTime', ms: number];

export type SeriesFunction =
  | readonly ['NonNegativeDerivative']
  | readonly ['Sum', 'Ignore']
  | readonly ['SumBy', label: string, loss: 'Ignore', total: boolean];

/** `Fine` = numbers with history; `Tip` = latest activity states of applications (the extract is ignored). */
export interface QueryRule {
  readonly series: { readonly source: 'Fine' | 'Tip'; readonly condition: Condition };
  readonly extract: Extract;
  readonly functions: readonly SeriesFunction[];
}

export interface QueryRequest {
  readonly rules: Readonly<Record<string, QueryRule>>;
}

/** A state is `[since ms, text]`; since 0 means idle. */
export type StateValue = readonly [sinceMs: number, text: string];

export interface TipValue {
  readonly key: MetricKey;
  readonly kind: ValueKind;
  readonly value: number | StateValue;
  /** [newer, older]; both equal for a plain `Tip`. */
  readonly timestamps: readonly [number, number];
}

/** Values run newest first and match the timestamps of the dataset; null = no sample. */
export interface SeriesValue {
  readonly key: MetricKey;
  readonly kind: Exclude<ValueKind, 'State'>;
  readonly values: readonly (number | null)[];
}

export type IncompatibleReason =
  | 'CantSumChart'
  | 'Dissimilar'
  | 'CantSumTimestamps'
  | 'CantSumStates'
  | 'CantDerive';

/** One answer, in the JSON form. Timestamps newest first, shared by all series of the dataset. */
export type Dataset =
  | { readonly type: 'SingleSeries'; readonly timestamps: readonly number[]; readonly series: SeriesValue }
  | {
      readonly type: 'MultiSeries';
      readonly timestamps: readonly number[];
      readonly series: readonly SeriesValue[];
    }
  | { readonly type: 'SingleTip'; readonly tip: TipValue }
  | { readonly type: 'MultiTip'; readonly tips: readonly TipValue[] }
  | { readonly type: 'Empty' }
  | { readonly type: 'Incompatible'; readonly reason: IncompatibleReason };

export interface QueryReply {
  readonly values: Readonly<Record<string, Dataset>>;
}

/** Reply of `/remote/query_by_host.json`: the local host and every peer, by host id; a silent host has an error. */
export interface RemoteQueryReply {
  readonly hosts: Readonly<Record<string, RemoteHostAnswer>>;
}
export type RemoteHostAnswer =
  | { readonly name: string; readonly values: Readonly<Record<string, Dataset>> }
  | { readonly name: string; readonly error: string };

// ---- GET /status.json --------------------------------------------------------------------------------------------

export interface CollectorStatus {
  readonly name: string;
  readonly ok: boolean;
  /** Text of the last failure of the latest scan, null when ok. */
  readonly error: string | null;
  readonly duration_ms: number;
  /** Scans in which this collector failed since the start. */
  readonly failures: number;
}

export interface SelfReport {
  readonly timestamp: number;
  /** Length of the sampling interval, ms. */
  readonly duration: number;
  readonly start_time: number;
  /** 100 = one core. */
  readonly process_cpu_usage: number;
  /** 100 = all cores of the host. */
  readonly global_cpu_usage: number;
  readonly memory_rss: number;
  readonly memory_rss_peak: number;
}

export interface CantalStatus {
  readonly version: string;
  /** Host id, hex. */
  readonly id: string;
  readonly hostname: string;
  readonly name: string;
  readonly cluster_name: string | null;
  readonly pid: number;
  readonly startup_time: number;
  readonly current_time: number;
  /** Unix seconds. */
  readonly boot_time: number | null;
  readonly interval_ms: number;
  /** Time stamp of the newest scan, 0 before the first. */
  readonly scan_time: number;
  readonly scan_duration: number;
  /** Share of one core spent scanning: scan_duration / interval, percent. */
  readonly scan_load_percent: number;
  readonly scans: number;
  /** Intervals without a scan: the one before took too long, the process stood still, or the clock was set back. */
  readonly skipped_scans: number;
  readonly processes: number;
  readonly fine_values: number;
  readonly tip_values: number;
  readonly num_peers: number;
  readonly num_stale: number;
  readonly num_reachable: number;
  readonly history: {
    readonly scans: number;
    readonly oldest: number | null;
    readonly keep_ms: number;
    /** Bytes held by the history itself (typed arrays). */
    readonly bytes: number;
    /** Series refused because the limit was reached. */
    readonly refused_series: number;
  };
  readonly collectors: readonly CollectorStatus[];
  readonly self_report: SelfReport | null;
  readonly threads_report: Readonly<Record<string, never>>;
  /** Last write of the storage directory; all 0 until there was one. */
  readonly storage: {
    readonly time: number;
    readonly timestamp: number;
    readonly duration: number;
    readonly size: number;
  };
}

// ---- GET /all_processes.json -------------------------------------------------------------------------------------

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** One letter of /proc/PID/stat. */
  readonly state: string;
  readonly vsize: number;
  readonly rss: number;
  readonly swap: number;
  readonly num_threads: number;
  /** ms since boot. */
  readonly start_time: number;
  readonly start_timestamp: number;
  /** Clock ticks. */
  readonly user_time: number;
  readonly system_time: number;
  readonly child_user_time: number;
  readonly child_system_time: number;
  /** NUL separated, at most 4096 bytes. */
  readonly cmdline: string;
  /** 0 when the agent may not read /proc/PID/io. */
  readonly read_bytes: number;
  readonly write_bytes: number;
  readonly cgroup: string | null;
}

export interface AllProcesses {
  readonly boot_time: number | null;
  readonly all: readonly ProcessInfo[];
}

// ---- GET /all_peers.json -----------------------------------------------------------------------------------------

/** Both known shapes in one: the flat fields of cantal 0.5 and the record of 0.6. `hostname` and `name` are never null. */
export interface CantalPeer {
  readonly id: string;
  readonly hostname: string;
  readonly name: string;
  readonly primary_addr: string | null;
  readonly addresses: readonly string[];
  readonly known_since: number;
  /** [ms, what the peer said about itself]: the newest report, heard directly or through a friend. */
  readonly report: readonly [number, { readonly peers: number; readonly has_remote: boolean }] | null;
  readonly peers: number | null;
  readonly has_remote: boolean;
  /** When this node itself last heard from the peer. In clusters of up to 20 nodes it is at most about 2 s old for a live peer. */
  readonly last_report_direct: number | null;
  readonly last_report: number | null;
  readonly last_probe: readonly [number, string] | null;
  readonly probe_time: number | null;
  readonly probe_addr: string | null;
  readonly probes_sent: number;
  readonly pings_received: number;
  readonly pongs_received: number;
  readonly last_roundtrip: readonly [string, number, number] | null;
  readonly roundtrip: number | null;
  readonly random_peer_roundtrip: readonly [string, number, number] | null;
  readonly reachable: boolean;
  /** Since when the peer has been silent; null while reachable. */
  readonly unreachable_since: number | null;
}

export interface AllPeers {
  readonly peers: readonly CantalPeer[];
}

// ---- errors, WebSocket /ws ---------------------------------------------------------------------------------------

/** Body of every answer with status 4xx or 5xx. */
export interface CantalError {
  readonly error: string;
  readonly hint: string;
}

/** Text frames, JSON. A subscription with an id already in use replaces the earlier one. */
export type CantalClientMessage =
  | { readonly type: 'subscribe'; readonly id: string; readonly rules: Readonly<Record<string, QueryRule>> }
  | { readonly type: 'unsubscribe'; readonly id: string };

/** `scan` and `peers` come right after connecting and after every scan; `data` at once and after every scan. */
export type CantalServerMessage =
  | { readonly type: 'scan'; readonly status: CantalStatus }
  | { readonly type: 'peers'; readonly peers: readonly CantalPeer[] }
  | { readonly type: 'data'; readonly id: string; readonly values: Readonly<Record<string, Dataset>> }
  | { readonly type: 'error'; readonly id: string | null; readonly error: string; readonly hint: string };

/** Limits of what the daemon accepts and what a client should be ready to get. */
export const CANTAL_LIMITS = {
  /** Request body of a query or of add_host: the limit cantal has always had. */
  bodyBytes: 65_536,
  rulesPerQuery: 100,
  /** Nested And/Or/Not. */
  conditionDepth: 32,
  functionsPerRule: 16,
  patternLength: 512,
  /** Series a rule may touch with a history extract: beyond it an answer would be tens of megabytes. */
  seriesPerAnswer: 20_000,
  /** Numbers one rule may read: an hour of three metrics of 1,400 processes, and 64 MiB while it is computed. */
  pointsPerRule: 8_000_000,
  /** Numbers in the answers of all rules together: 4 million are about 30 MiB of JSON or CBOR. */
  pointsPerAnswer: 4_000_000,
  /** An answer of /all_peers.json, as its oldest reader limits it. */
  peersReplyBytes: 10 * 1024 * 1024,
  subscriptionsPerSocket: 64,
  socketMessageBytes: 65_536,
} as const;
