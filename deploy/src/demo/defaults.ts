// Every number of the demo, with its reason.

export const HOST_NAMES = ['jupyter', 'mars', 'pluto'] as const;
export type HostName = (typeof HOST_NAMES)[number];

export const NETWORK = {
  /** 10.97.0.0/24 is the talk's own; the following ones are tried when something on the machine already uses it. */
  first: 97,
  last: 127,
  prefixLength: 24,
  /** .1 is the machine itself on the bridge, .11-.13 the hosts. */
  machine: 1,
  firstHost: 11,
  /** A kernel interface name has at most this many characters. */
  nameLength: 15,
} as const;

export const PORTS = {
  cantal: 22_682,
  verwalter: 8_379,
  nginx: 8_080,
  /** Worker N of a host listens on 8001 + N. */
  firstWorker: 8_001,
} as const;

/** What the talk's slide says about the cluster. */
export const EXPECTED = {
  django: { jupyter: 5, mars: 3, pluto: 2 },
  celery: 5,
  nginx: 'mars',
  postgres: 'pluto',
  /** Above 10,000 requests per minute. */
  busyDjango: 20,
  busyCelery: 2,
} as const;

export const LIMITS_MS = {
  /** A host is up when lithos_tree is PID 1: namespaces and one Node start, 1 s here. */
  hostUp: 20_000,
  /** From the last host up to a healthy cluster: election, initdb, ten workers on two cores. 20 s here. */
  healthy: 180_000,
  /** One HTTP question to a daemon of the demo. */
  request: 2_000,
  /** Choosing a network and making the bridge take a few calls of `ip`. */
  claim: 20_000,
  /** cantal scans every 2 s: what five scans have not seen was not counted. */
  counted: 10_000,
  /** rmdir of a cgroup fails while the kernel still buries its processes. */
  cgroupRemove: 5_000,
} as const;

/** How often a condition is looked at while waiting for it. */
export const POLL_MS = 100;

export const BARS = {
  /** Issue text, must show b to f. */
  workerReplacedMs: 300,
  leaderLostMs: 15_000,
  scaledMs: 30_000,
  healedMs: 10_000,
} as const;

export const LOAD = {
  /** 10,000 rpm are 167 requests/s: this is clearly above, and what two cores serve besides everything else. */
  requestsPerSecond: 200,
  /** 3,000 rpm: visitors that are always there, well below the 8,000 rpm where the cluster shrinks again. */
  calmRequestsPerSecond: 50,
  /** Never more than this many requests in flight: a stuck cluster must not be buried. */
  inFlightMax: 64,
  requestTimeoutMs: 5_000,
} as const;

/** Kills of scene b: the first finds cold caches, the median of eleven does not care. */
export const WORKER_KILLS = 11;

/** Where the last lines of a failing instance are cut. */
export const LOG_TAIL_LINES = 25;
