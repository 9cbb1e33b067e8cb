import type { ScheduleStamp } from '@suite/shared/wire/election.ts';
import type { PeerSight } from '../election/state.ts';

/** What cantal says about a peer, already checked. `address` is the IP of its cantal, `cantalPort` the port there. */
export interface PeerReport {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly address: string | null;
  readonly cantalPort: number;
  readonly knownSinceMs: number;
  /** Wall clock of this machine's cantal, ms; null = never heard. */
  readonly lastReportDirectMs: number | null;
}

/** A peer as this node knows it. Monotonic times end in `Mono`, wall clock times in `WallMs`. */
export interface Peer extends PeerSight {
  readonly report: PeerReport;
  readonly heardMs: number;
  readonly lastPongWallMs: number | null;
  readonly errors: number;
  readonly schedule: ScheduleStamp | null;
  /** What it had under another leader until lately. */
  readonly fork: ScheduleStamp | null;
}

/**
 * cantal keeps monotonic times and turns them into wall clock times for each answer: the same moment moves by a millisecond
 * from one answer to the next. A real new report is at least most of a ping interval (1 s) later.
 */
const STAMP_JITTER_MS = 100;

type Entry = { -readonly [Key in keyof Peer]: Peer[Key] } & { reportMonoMs: number };

/**
 * The peers of this node: cantal's list plus what election packets told. Membership is cantal's alone.
 *
 * A peer is responsive when cantal or verwalter heard it within `staleMs`. cantal's wall-clock stamps are only compared with
 * each other ("did it change since the last poll?"), so a jumping wall clock makes nobody stale. While cantal itself is silent
 * for longer than `freshMs` nobody is called stale: a node with a dead cantal must not conclude that it is alone.
 */
export class PeerTable {
  readonly #entries = new Map<string, Entry>();
  readonly #staleMs: number;
  readonly #freshMs: number;
  #listMonoMs: number | undefined;

  constructor(limits: { readonly staleMs: number; readonly freshMs: number }) {
    this.#staleMs = limits.staleMs;
    this.#freshMs = limits.freshMs;
  }

  /** undefined until the first list arrived. */
  get peers(): ReadonlyMap<string, Peer> | undefined {
    return this.#listMonoMs === undefined ? undefined : this.#entries;
  }

  get(id: string): Peer | undefined {
    return this.#entries.get(id);
  }

  /** A new list from cantal. Peers missing in it are forgotten, the others keep what was learned about them. */
  update(reports: readonly PeerReport[], monoMs: number, wallMs: number): void {
    this.#listMonoMs = monoMs;
    const listed = new Set<string>();
    for (const report of reports) {
      listed.add(report.id);
      const known = this.#entries.get(report.id);
      if (known === undefined) this.#add(report, monoMs, wallMs);
      else {
        if (
          report.lastReportDirectMs !== null &&
          Math.abs(report.lastReportDirectMs - (known.report.lastReportDirectMs ?? 0)) > STAMP_JITTER_MS
        ) {
          known.reportMonoMs = monoMs;
        }
        known.report = report;
      }
    }
    for (const id of this.#entries.keys()) if (!listed.has(id)) this.#entries.delete(id);
    this.refresh(monoMs);
  }

  #add(report: PeerReport, monoMs: number, wallMs: number): void {
    const { lastReportDirectMs } = report;
    const recent = lastReportDirectMs !== null && Math.abs(wallMs - lastReportDirectMs) < this.#staleMs;
    this.#entries.set(report.id, {
      id: report.id,
      report,
      reportMonoMs: recent ? monoMs : Number.NEGATIVE_INFINITY,
      responsive: recent,
      heardMs: Number.NEGATIVE_INFINITY,
      lastPongWallMs: null,
      errors: 0,
      schedule: null,
      fork: null,
    });
  }

  /** An election packet came from `id`. Returns whether the peer is known. */
  heard(
    id: string,
    monoMs: number,
    wallMs: number,
    said: {
      readonly schedule: ScheduleStamp | null;
      readonly errors?: number;
      readonly fork?: ScheduleStamp | null;
    },
  ): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    entry.heardMs = monoMs;
    entry.responsive = true;
    entry.lastPongWallMs = wallMs;
    entry.schedule = said.schedule;
    entry.fork = said.fork ?? null;
    if (said.errors !== undefined) entry.errors = said.errors;
    return true;
  }

  /** Judges again who is responsive; to be called before every decision that counts votes. */
  refresh(monoMs: number): void {
    const blind = this.#listMonoMs === undefined || monoMs - this.#listMonoMs > this.#freshMs;
    for (const entry of this.#entries.values()) {
      const heard = Math.max(entry.heardMs, entry.reportMonoMs);
      entry.responsive = blind || monoMs - heard < this.#staleMs;
    }
  }

  /** Error counts are what a leader was told; they end with its leadership. */
  forgetErrors(): void {
    for (const entry of this.#entries.values()) entry.errors = 0;
  }
}
