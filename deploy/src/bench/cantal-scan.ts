import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createScanner } from '@suite/cantal/adapters/scanner.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { timedRun } from './timed.ts';

// One scan of a host with about 1,250 processes, 10,000 series. Raw limit: read the same files of every process through
// descriptors that stay open, and look at nothing. Peers: the obvious way in Node, and `ps` as a whole process.

const PROCESSES = 1_250;
/** A young process is looked at more closely (it may still exec); after this many scans the crowd is of age. */
const SETTLING_SCANS = 40;
/** /proc/PID/stat is below 400 bytes; a page is what the kernel prepares anyway. */
const buffer = Buffer.alloc(4096);

const pids = (): string[] => readdirSync('/proc').filter(name => /^\d+$/.test(name));

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

/** `sleep` children of one shell: they cost a page table each and no cpu. */
function crowd(): ChildProcess {
  const script = `i=0; while [ $i -lt ${PROCESSES} ]; do sleep 100000 & i=$((i+1)); done; echo ready; wait`;
  return spawn('setsid', ['sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
}

function ours(): Contender & { close(): void; metrics(): number } {
  const scanner = createScanner();
  let nowMs = Date.now();
  let metrics = 0;
  return {
    name: 'cantal scan',
    role: 'ours',
    run: () =>
      timed(() => {
        nowMs += 2_000;
        metrics = scanner.scan(nowMs).metrics;
      }),
    metrics: () => metrics,
    close: () => scanner.close(),
  };
}

/** Processes come and go, and some forbid even root to read their `io`. */
function openReadable(path: string): number[] {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    readSync(descriptor, buffer, 0, buffer.length, 0);
    return [descriptor];
  } catch {
    if (descriptor !== undefined) closeSync(descriptor);
    return [];
  }
}

function rawReads(): Contender & { close(): void } {
  const open = pids().flatMap(pid => ['stat', 'io'].flatMap(name => openReadable(`/proc/${pid}/${name}`)));
  const readable = open.length;
  const run = () =>
    timed(() => {
      for (let index = 0; index < readable; index++) {
        try {
          readSync(open[index] ?? 0, buffer, 0, buffer.length, 0);
        } catch {
          // The process has ended since.
        }
      }
    });
  return {
    name: 'reads alone, files kept open',
    role: 'raw',
    run,
    close: () =>
      open.forEach(one => {
        closeSync(one);
      }),
  };
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const naive: Contender = {
  name: 'open, read, split in Node',
  role: 'peer',
  run: () =>
    timed(() => {
      for (const pid of pids()) {
        for (const name of ['stat', 'io', 'status']) readQuietly(`/proc/${pid}/${name}`).split(/\s+/);
      }
    }),
};

const ps: Contender = {
  name: 'ps -e, whole process',
  role: 'peer',
  run: () => timedRun(['ps', '-eo', 'pid,ppid,uid,vsz,rss,nlwp,time,cgroup,cmd']),
};

async function prepare(defer: Defer): Promise<Prepared> {
  const children = crowd();
  // The shell leads its own process group, its sleeping children with it.
  defer(() => void spawnSync('kill', ['-9', '--', `-${children.pid}`]));
  await new Promise(resolve => children.stdout?.once('data', resolve));
  const scan = ours();
  defer(scan.close);
  const raw = rawReads();
  defer(raw.close);
  for (let scans = 0; scans < SETTLING_SCANS; scans++) scan.run();
  const series = scan.metrics();
  const notes = [
    `${pids().length} processes, ${series} series, history stored; bar of the design: 10,000 metrics in 5.6 ms`,
  ];
  return { contenders: [scan, raw, naive, ps], notes };
}

export const cantalScan: Bench = {
  name: 'cantal-scan',
  summary: 'one scan of a host with 1,250 processes',
  rounds: 30,
  prepare,
};
