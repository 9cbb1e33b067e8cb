// Every number of cantal with its reason.

export const DEFAULTS = {
  /** Registered by use for a decade; TCP for HTTP, UDP for gossip. */
  port: 22_682,
  /** Nothing is reachable from outside unless the operator says so. */
  host: '127.0.0.1',
  /** What the charts show (one pixel per sample) and what a person perceives as live. */
  intervalMs: 2000,
  /** One hour: the talk's promise, and enough to see what happened before an alarm. */
  keepHistoryMs: 3_600_000,
} as const;

export const HISTORY = {
  /** 4 minutes at 2 s: short enough to expire history in steps nobody sees, long enough that a restart of the codec per block costs little. */
  epochScans: 120,
  /** Ten times a very large host; 16 bytes of table each. Beyond it new series are refused and counted. */
  maxSeries: 200_000,
} as const;

export const SCAN = {
  /** Three descriptors per process (stat, io, schedstat); half of what the process may open is left for sockets. */
  descriptorShare: 0.5,
  /** A sleeping process cannot change its own counters, but reclaim changes its rss: every 16th is read in full each scan. */
  fullReadRotation: 16,
  /** A process may exec or move into its cgroup shortly after its fork: looked at again after 1, 2, 4, 8 and 16 scans. */
  settleScans: 16,
  /** Owner, swap and cgroup are read anew for one 15th of the processes per scan, so every 30 s: 15 µs each. */
  slowRotation: 15,
  /** Command line and environment, which only an exec without a new name changes: every 4 minutes. */
  identityRotation: 120,
  /** Limit for one /proc file read in one go; netstat and meminfo are below 8 KiB, stat with 512 cores about 90 KiB. */
  fileBytes: 256 * 1024,
  cmdlineBytes: 4096,
  /** A time jump backwards up to this is waited out; a longer one starts the history anew. */
  clockJumpMs: 10_000,
} as const;

export const GOSSIP = {
  tickMs: 1000,
  /** Up to this many peers every one is pinged every tick: 40 packets/s at 20 nodes, and a dead peer is seen within 3 s. */
  smallCluster: 20,
  /** Larger clusters: peers pinged per tick, as cantal always did. */
  pingsPerTick: 10,
  /** Upstream sends ten, which makes three IP fragments; five stay below one Ethernet frame. */
  friendsPerPacket: 5,
  /** Large clusters: no ping to a peer heard of within 5 s … */
  freshReportMs: 5000,
  /** … unless we have not asked it ourselves for 60 s. */
  maxProbeGapMs: 60_000,
  /** An unanswered probe casts doubt on the primary address after this long. */
  probeAnswerMs: 2000,
  /** No direct report for this long: try other known addresses. */
  prefailMs: 20_000,
  /** Small clusters: five lost messages in a row (two pings and their answers per second); 2.5 s keeps the verdict below 3 s. */
  unreachableSmallMs: 2500,
  /** Large clusters hear of most peers only through friends. */
  unreachableLargeMs: 65_000,
  /** Not named to others after this long. */
  failMs: 3_600_000,
  /** Counts for `num_stale`. */
  staleMs: 600_000,
  /** A peer silent for two days is gone for good. */
  removeMs: 2 * 86_400_000,
  garbageMs: 300_000,
  peerFileMs: 300_000,
  /** add_host: five further tries after the first, then the address is given up. */
  addHostRetries: 5,
  retryFirstMs: 100,
  /** add_host stops here, seeds go on for ever at this pace. */
  retryMaxMs: 5000,
  /** More peers than any cluster this gossip suits; beyond it new ones are ignored. */
  maxPeers: 10_000,
  /** Addresses kept per peer. */
  maxAddresses: 32,
} as const;

export const HTTP = {
  /** Time for a whole request to arrive. */
  requestMs: 15_000,
  headersMs: 6000,
  keepAliveMs: 600_000,
  /** A client that takes nothing of its answer for this long is cut off, with the answer we hold for it. */
  stalledMs: 60_000,
  /** Ten verwalters, browsers and scrapers need a dozen; the rest of the descriptors belongs to the scanner. */
  maxConnections: 1000,
  /** A remote query waits this long for one peer, then answers without it. */
  remoteQueryMs: 1500,
  /** Answer of one peer: an hour of 200 series. It is parsed in one go, which takes 40 ms then. */
  remoteReplyBytes: 4 * 1024 * 1024,
  /** Peers asked at the same time. */
  remoteParallel: 50,
  /** A WebSocket that does not read: its connection is closed above this. */
  socketBufferBytes: 16 * 1024 * 1024,
  maxSockets: 200,
  /** Static files are held in memory; the UI is below 1 MiB. */
  assetBytes: 16 * 1024 * 1024,
} as const;
