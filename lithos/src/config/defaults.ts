// Every number and path lithos assumes when nobody says otherwise, each with its reason.

const MIB = 1024 * 1024;

export const DEFAULTS = {
  /** Where every command looks without `-C`. */
  masterPath: '/etc/lithos/master.yaml',
  /** Relative to the directory of the master file, so that a whole tree of configs can be moved. */
  sandboxesDir: './sandboxes',
  processesDir: './processes',
  /** tmpfs on every Linux: what it holds must not outlive a reboot. */
  runtimeDir: '/run/lithos',
  stateDir: 'state',
  mountDir: 'mnt',
  devfsDir: '/var/lib/lithos/dev',
  cgroupName: 'lithos.slice',
  /** A program that ended is away for half the time; what a fork costs more is not measurable (CONTRIBUTING, Decisions). */
  cgroupFavordynmods: true,
  defaultLogDir: '/var/log/lithos',
  configLogDir: '/var/log/lithos/config',
  stdioLogDir: '/var/log/lithos/stderr',
  logFile: 'master.log',
  logLevel: 'warn',
  syslogAppName: 'lithos',
  imageDir: '/var/lib/lithos/containers',
  resolvConf: '/etc/resolv.conf',
  hostsFile: '/etc/hosts',
  workdir: '/',
  /** cgroup v1's and every runtime's own default weight. */
  cpuShares: 1024,
  /** The classic soft limit: a program that wants more must say so. */
  fileLimit: 1024,
  /** Seconds between two starts of one instance: quick enough to heal, slow enough not to eat a core in a crash loop. */
  restartTimeoutS: 1,
  /** Seconds between TERM and KILL. */
  killTimeoutS: 5,
  /** Shutdown of everything: a service manager's own patience (90 s in systemd) must not end before ours does. */
  shutdownTimeoutS: 60,
  /** 50 MB at most for one instance: days of a quiet program, hours of a busy one. */
  stdioLogBytes: 10 * MIB,
  stdioLogFiles: 5,
  /** Ceiling of the doubling delay between restarts: a broken release costs a start a minute, and heals within one. */
  backoffMaxS: 60,
  /** A program that ran this long has left its start behind: the next failure is the first of a new row. */
  healthyAfterS: 10,
  /** From the start until `readiness`: slow programs load for tens of seconds. */
  startTimeoutS: 60,
  /** Processes and threads of one container: far above what programs use, far below what a fork bomb needs. */
  pidsLimit: 4096,
  tmpfsSizeBytes: 100 * MIB,
  volumeMode: 0o777,
  /** All addresses of the container's network, IPv4. */
  listenHost: '0.0.0.0',
  /** Connections wait here while the program restarts: a second of a busy one. */
  listenBacklog: 128,
  /** Whoever can reach the directory of a socket may talk to it, as with a TCP port. */
  socketMode: 0o666,
  /** A start waits for readiness, so it is asked often; liveness is a safety net. */
  readinessIntervalS: 1,
  livenessIntervalS: 10,
  /** A healthy program answers in milliseconds, a loaded one within a second. */
  probeTimeoutS: 3,
  /** One lost answer is an accident, three in a row are a fact. */
  probeFailures: 3,
  /** One instance away at a time keeps a service up that has at least two. */
  maxUnavailable: 1,
  /** A replaced instance becomes ready within the default `start-timeout`, or not at all. */
  rollOutTimeoutS: 60,
  /** "No limit" as a number, because the documented default is one: more memory than any host has. */
  memoryLimitBytes: Number.MAX_SAFE_INTEGER,
} as const;

export const LIMITS = {
  /** A day: longer restart or kill timeouts are typing errors. */
  timeoutMaxS: 86_400,
  /** Ids are u32; 2^32-1 means "none" to the kernel. */
  idMax: 4_294_967_294,
  /** The kernel takes this many lines of a map. */
  idMapEntriesMax: 340,
  /** Supplementary groups of one process: nobody lists more by hand (the kernel's own end is 65,536). */
  groupsMax: 64,
  /** Mounts, sockets and variables of one container: programs have a handful. An image must not keep the supervisor busy. */
  volumesMax: 200,
  socketsMax: 250,
  variablesMax: 1_000,
  /** Rules stop at so many errors of one entry: nobody reads more, and each costs a search for the nearest name. */
  errorsMax: 100,
  /** Processes one waits for; and entries of one process file: what people and orchestrators write, ten times over. */
  afterMax: 100,
  processesMax: 1_000,
  portMax: 65_535,
  /** sun_path of a unix socket, without its closing NUL. */
  socketPathBytes: 107,
  /** Gaps below a descriptor have to be filled: sockets are numbered from 3 on, a few hundred at most. */
  fdMax: 255,
  /** The kernel cuts a backlog at net.core.somaxconn anyway. */
  backlogMax: 65_535,
  /** Answers in a row: more would take longer than anyone waits. */
  thresholdMax: 1_000,
  /** Failures in a row: at one start a minute this is a week. */
  failuresMax: 10_000,
  /** pid_max of a 64-bit Linux. */
  pidsMax: 4_194_304,
  /** Percent of one CPU: a thousand of them. */
  cpuQuotaMax: 100_000,
  /** Rotated files of one instance: numbered in the directory of all logs. */
  logFilesMax: 100,
  /** Below this a log would be rotated with nearly every line. */
  logFileMinBytes: 4096,
  /** No image store nests deeper. */
  imageLevelsMax: 16,
  /** One config file: a thousand times what people write. */
  configBytes: 4 * MIB,
  /** A host runs hundreds of instances; 10,000 of one process is a typing error. */
  instancesMax: 10_000,
  /** hosts and resolv.conf that are copied into containers. */
  etcFileBytes: MIB,
  /** The resolved configuration of one sandbox: a few kB for each of its instances. */
  lastGoodBytes: 64 * MIB,
  /** What a tree says of 10,000 instances, with the errors of its files. */
  statusBytes: 16 * MIB,
  /** One record, exit or pid file of ours. */
  stateFileBytes: MIB,
  /** A rotated history file may be one line longer than its limit; a line holds at most a process file. */
  historyFileBytes: 20 * MIB,
  /** A list of the images of one sandbox: a hundred thousand names. */
  usedImagesBytes: 8 * MIB,
  /** A file of private keys: one key has 400 bytes. */
  keyFileBytes: 256 * 1024,
  /** Old and new keys side by side during a change; hundreds are a mistake. */
  keysPerFile: 100,
  /** Sandbox files in one directory. */
  sandboxesMax: 1_000,
  /** One message on a notify socket: what sd_notify says has some hundred bytes. */
  noticeBytes: 4096,
  /** Characters of STATUS= that are kept for people. */
  noticeStatusMax: 256,
  /** What a command inside the container says, for the message about its failure. */
  insideOutputBytes: 4096,
  /** Exec probes of a sandbox at the same moment: each costs the runtime some 5 ms of a core; the others wait their turn. */
  execProbesMax: 4,
  /** Symbolic links followed inside an image before a loop is assumed (the kernel's own number). */
  linksMax: 40,
  /** What a command run for a container says into our log. */
  commandOutputBytes: 64 * 1024,
  /** Processes looked at to find out who holds an address: some milliseconds for a thousand. */
  processesLooked: 10_000,
} as const;

export const TIMES = {
  /** The first look whether a program is ready; doubles with each that fails, up to the interval. */
  firstProbesMs: 100,
  /** A runtime that was told to execute a command writes its pid within this time, or never. */
  insidePidMs: 1_000,
  /** Exits come by inotify; this is the safety net for a monitor that was killed. */
  pidCheckMs: 1_000,
  /** Without its monitor a container's end is only seen by looking; ten looks a second keep a restart quick. */
  lostMonitorCheckMs: 100,
  /** A container's pid is gone but its monitor has not left an exit file: wait this long for the code, then go on without. */
  exitFileGraceMs: 300,
  /** Status file writes are merged: a person or a script polls it at most a few times a second. */
  statusDelayMs: 50,
  /** create or start of one container: 5-30 ms normally; a minute means the runtime hangs. */
  runtimeTimeoutMs: 60_000,
  /** After KILL of a cgroup the kernel needs milliseconds; look this often, up to the limit. */
  killPollMs: 2,
  killLimitMs: 10_000,
  /** How long a stop waits for cgroups in which nobody is any more: the kernel needs milliseconds, on a busy machine some hundred. */
  busyLimitMs: 2000,
  /** Two trees that start together: the claim of one takes milliseconds. */
  pidLockMs: 2_000,
  /** An init that was just started hears TERM after a few milliseconds; one that never does is sent it anyway. */
  initReadyMs: 1_000,
  /** Orphans are reaped on SIGCHLD; a coalesced signal is made up for by this. */
  reapEveryMs: 1_000,
  /** A roll-out counts as done when everything of it has run this long: most broken versions fail at once. */
  settleMs: 500,
  /** What an old run left, and the bundle of the next, wait this long after a start: a program that was let go begins within it. */
  calmMs: 20,
  /** A start that fails costs tens of milliseconds of a core: with `restart-timeout: 0` it is retried no sooner than this. */
  failedStartMs: 500,
  /** Between TERM and KILL, and between KILL and the end, of what a machine still runs after its containers: their time is over. */
  lastProcessesMs: 2_000,
  /** A crashed supervisor may have left a container half created: its pid file appears within this time. */
  halfCreatedMs: 1_000,
  /** Setting up an interface takes iproute2 5 ms. */
  ipCommandMs: 10_000,
  /** `after-setup-command` is for a word to the network, such as arping; the start waits for it. */
  afterSetupMs: 30_000,
  /** A client of our sockets sends its request at once and reads the answer; one that does neither is cut. */
  requestMs: 5_000,
  /** A reading of the configuration that was asked for: thousands of files on a slow disk. */
  reloadMs: 30_000,
  /** Two lithos_switch at once: each holds its lock for some milliseconds; a slow disk makes it seconds. */
  switchLockMs: 10_000,
} as const;

/** That many failures in a row of a replaced instance end its roll-out: fewer may be an accident of the moment. */
export const ROLLOUT = { failures: 3 } as const;

export const LOGS = {
  /** Sizes of all logs, and whether they are where they belong: a look costs 5 µs an instance. What grows faster overshoots until the next. */
  sweepMs: 4_000,
  /** Room on the disk of the logs: what others fill it with should be noticed before monitors drop lines. */
  spaceCheckMs: 250,
  /** With more room there is more time: a GB a second is what quick disks take. */
  fillBytesPerMs: MIB,
  spaceCheckMaxMs: 4_000,
  /** While we write in place of a monitor: a pipe of 64 KiB takes 3 MB/s between two looks at it. */
  pumpMs: 20,
  /** As much as a pipe holds. */
  pipeLookBytes: 65_536,
  /** From one pipe in one go, some milliseconds of work. */
  pumpBytes: MIB,
  /** A monitor we have stopped for want of room cannot tell of an exit: sooner than exitFileGraceMs. */
  endCheckMs: 100,
  /** A disk that took nothing is tried again after this. */
  retryMs: 200,
  /** With less room than this (or than this part of a small disk) we write in place of the monitors, which would drop lines without counting them. */
  lowSpaceBytes: 16 * MIB,
  lowSpacePart: 0.05,
  /** A monitor flushes the old file to the disk before it opens the new one. */
  reopenMs: 5_000,
  reopenPollMs: 5,
  /** Messages about a thousand runs; the kernel counts nearly a kilobyte for each. */
  holderQueueBytes: MIB,
  /** So many messages about runs that are over are let lie. */
  holderStaleMax: 64,
  /** Read from a log in one go. */
  readBytes: 262_144,
  /** A longer line is shown in pieces: somebody forgot the newlines. */
  lineBytes: MIB,
  /** `lithos_logs -f`: quick enough for eyes, and five looks a second cost nothing. */
  followMs: 200,
  /** As `tail -f` begins. */
  followLines: 10,
  /** Where syslog(3) sends to. */
  syslogSocket: '/dev/log',
  /** Syslog daemons cut longer messages, or refuse them. */
  syslogBytes: 2_048,
  /** Of a command line in a log. */
  commandChars: 1_000,
} as const;

/** Config history is rotated above this size, and this many old files are kept. */
export const HISTORY = { maxBytes: 10 * MIB, files: 100 } as const;

export const SHOWN = {
  /** Of an instance that is not well: a stack trace's end and what led to it. */
  logLines: 10,
  /** Of each of them: some lines of a terminal; lithos_logs has the rest. */
  lineChars: 1_000,
  /** cgroups read in one go for /metrics: about a millisecond. */
  usageAtOnce: 10,
  /** A tree answers within milliseconds; one that is stopped never does, and its status file must do. */
  askMs: 500,
  /** As top. */
  frameMs: 1_000,
} as const;

export const MEMORY = {
  /** Changes of instances that make a burst: a start has about three. */
  burst: 50,
  /** After so long without a change it is over; giving memory back takes some tens of milliseconds. */
  quietMs: 2_000,
} as const;

export const PIDS = {
  /** Instances of which everything is read at each `pidCheckMs`: 60 µs each, so some ten-thousandths of a core. */
  fullChecks: 2,
} as const;

export const SWITCH = {
  /** Some instances one after the other, each with its minute to become ready. */
  waitS: 300,
} as const;
