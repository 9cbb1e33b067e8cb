/**
 * The scheduler seen from the daemon: one pure transformer, input in, schedule out.
 * The Lua behind it lives in a process of its own (`adapters/lua`); this file only says the shapes.
 */

/** A JSON value: what crosses the border between the daemon and the scheduler. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** The stamp of the schedule a peer has announced. */
export interface PeerSchedule {
  readonly timestamp: number;
  readonly hash: string;
  readonly origin: string;
}

/** One other node of the cluster, as cantal and the election know it. Times are ms since the epoch. */
export interface SchedulerPeer {
  readonly id: string;
  /** `ip:port`, null while the address is unknown. */
  readonly addr: string | null;
  readonly name: string;
  readonly hostname: string;
  readonly schedule: PeerSchedule | null;
  readonly known_since: number;
  readonly last_report_direct: number | null;
  /** When this node last heard from the peer, by any way; null = never. */
  readonly last_pong_ms: number | null;
  /** The daemon's own judgement: heard from within the stale limit. */
  readonly reachable: boolean;
  /** How many roles failed to render there. */
  readonly errors: number;
}

/** One metric series of one host. `timestamps` (ms) and `values` have the same length, oldest first. */
export interface MetricSeries {
  readonly key: Readonly<Record<string, string>>;
  readonly timestamps: readonly number[];
  readonly values: readonly number[];
}

export interface MultiSeries {
  readonly type: 'multi_series';
  readonly items: readonly MetricSeries[];
}

/** Everything a scheduler may look at. Nothing else exists for it: no clock, no files, no chance. */
export interface SchedulerInput {
  /** ms since the epoch; the only clock. */
  readonly now: number;
  readonly current_host: string;
  /** Hex machine id. */
  readonly current_id: string;
  /** `data` of the previous schedules: normally one, several after an election, none on a first start. */
  readonly parents: readonly Json[];
  /** Action id (decimal ms timestamp) → what was posted. */
  readonly actions: Readonly<Record<string, Json>>;
  /** The tree read from `runtime/`. */
  readonly runtime: Json;
  /** Peer id → peer; this node itself is not among them. */
  readonly peers: Readonly<Record<string, SchedulerPeer>>;
  /** This node, in the shape of a peer. */
  readonly self?: SchedulerPeer;
  /** Peer id (this node's too) → `"ROLE.KEY"` → series. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, MultiSeries>>>>;
}

export type LoadResult = { readonly ok: true } | { readonly ok: false; readonly error: string };

export type RunResult =
  | {
      readonly ok: true;
      /** Plain JSON object; keys are in sorted order, so `JSON.stringify` of equal schedules is equal. */
      readonly schedule: Record<string, unknown>;
      /** What the script printed, at most `maxDebugBytes`. */
      readonly debug: string;
      /** Time inside the engine, without handing the input over. */
      readonly durationMs: number;
    }
  | { readonly ok: false; readonly error: string; readonly debug: string };

/** Which Lua: real Lua 5.4 compiled to WebAssembly, or Lua 5.3 written in JavaScript. */
export type EngineKind = 'wasmoon' | 'fengari';

export interface SchedulerRunner {
  /**
   * Takes a new version: `files` maps slash paths relative to the scheduler directory (`main.lua`, `lib/x.lua`) to text.
   * Starts a fresh worker, compiles `main.lua` and checks that it gives a `scheduler` function. On an error the
   * version loaded before stays.
   */
  load(files: ReadonlyMap<string, string>): Promise<LoadResult>;
  /** Runs the loaded version once. Ends at the latest `deadlineMs` + 1 s later, whatever the script does. Never rejects. */
  run(input: SchedulerInput, deadlineMs: number): Promise<RunResult>;
  close(): Promise<void>;
}
