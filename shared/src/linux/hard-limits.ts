import { readFileSync } from 'node:fs';

/** What we may give to others. */
export interface OwnLimits {
  /** Hard limits by the names of setrlimit(2) in lower case without RLIMIT_; Infinity: none. */
  readonly hard: ReadonlyMap<string, number>;
  /** CAP_SYS_RESOURCE: hard limits may be raised. */
  readonly mayRaise: boolean;
  /** RLIMIT_NOFILE of anybody ends here (fs.nr_open), whatever their rights. */
  readonly openFilesMax: number;
}

/** Bit of CAP_SYS_RESOURCE (uapi/linux/capability.h). */
const SYS_RESOURCE = 24n;

/** The kernel's words in /proc/PID/limits (proc(5)). */
const WORDS: Readonly<Record<string, string>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
};

/** `text` of /proc/PID/limits: columns name, soft, hard and unit, two or more blanks apart. */
export function parseHardLimits(text: string): Map<string, number> {
  const limits = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [words = '', , hard = ''] = line.split(/ {2,}/);
    const name = WORDS[words];
    if (name !== undefined) limits.set(name, hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard));
  }
  return limits;
}

export function ownLimits(): OwnLimits {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return {
    hard: parseHardLimits(readFileSync('/proc/self/limits', 'latin1')),
    mayRaise: ((BigInt(`0x${effective}`) >> SYS_RESOURCE) & 1n) === 1n,
    openFilesMax: Number(readFileSync('/proc/sys/fs/nr_open', 'latin1')),
  };
}
