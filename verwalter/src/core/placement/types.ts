/**
 * Placing instances on hosts. Pure, deterministic, no chance: equal requests give equal answers; ties go to the host named first.
 *
 * Policies (the score's lowest wins, among the hosts where the instance fits):
 *   spread      (instances there + 1) ÷ weight: shares in proportion to the weights (D'Hondt's rule: 10 on 5:3:2 is 5, 3, 2)
 *   bestfit     room left after placing, as a share of the capacity, summed over the resources: fills hosts up
 *   roundrobin  the next host in turn
 *   epvm        marginal cost Σ n^(load after) − n^(load before), n = number of hosts, over resources and slots
 *               (Amir, Awerbuch, Barak, Borgstrom, Keren: IEEE TPDS 11(7), 2000)
 */
export type Policy = 'spread' | 'bestfit' | 'roundrobin' | 'epvm';

/** Amounts by resource name (`memory`, `cpu`, …) in any one unit per name. */
export type Amounts = Readonly<Record<string, number>>;

export interface PlacementHost {
  readonly name: string;
  /** Share under `spread`; 0 = nothing new here. Default 1. */
  readonly weight: number;
  /** What the host has, all of it. A resource an instance needs and the host does not name is not there. */
  readonly capacity: Amounts;
  /** How many instances at most; absent = no limit. */
  readonly slots: number | undefined;
}

export interface PlacementInstance {
  readonly id: string;
  readonly needs: Amounts;
  /** Only these hosts may take it; absent = any. */
  readonly hosts: readonly string[] | undefined;
}

export interface PlacementRequest {
  readonly policy: Policy;
  readonly hosts: readonly PlacementHost[];
  readonly instances: readonly PlacementInstance[];
  /** Instance → host now. It stays there while the host is listed and has room: placing moves nothing else. */
  readonly previous: Readonly<Record<string, string>>;
  /** Under `spread`: how many running instances may be moved towards the even share in one call. */
  readonly maxMoves: number;
  /** Under `roundrobin`: index of the host that gets the first one. */
  readonly start: number;
}

export interface PlacementResult {
  /** Instance → host. */
  readonly assigned: Readonly<Record<string, string>>;
  /** Host → instances in order of the request; hosts without instances are listed as well. */
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  /** No host had room. */
  readonly unplaced: readonly string[];
  /** Had a host before and have another one now. */
  readonly moved: readonly string[];
  /** `start` for the next call under `roundrobin`. */
  readonly next: number;
}
