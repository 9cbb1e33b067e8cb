// One process under observation. Its descriptors stay open: a read then costs 3 µs instead of 7, and a descriptor of a
// process that ended fails with ESRCH, so a reused pid can never continue the series of another process.
import { closeSync, openSync, readSync } from 'node:fs';
import { cgroupName, type Membership, parseMembership } from '../core/collect/cgroups.ts';
import {
  type MetricEnvironment,
  PROCESS,
  PROCESS_FIELDS,
  type ProcessOwner,
  parseEnvironment,
  parseOwner,
  parseProcessIo,
  parseProcessStat,
  parseTimeslices,
  STAT,
  STAT_LENGTH,
} from '../core/collect/process.ts';
import type { History } from '../core/history/history.ts';
import type { Group } from '../core/history/slots.ts';
import { buffer, readText } from './files.ts';

/** /proc/PID/stat is below 1 KiB; io and schedstat are shorter. */
const SHORT_BYTES = 4096;
const CLOSED = -1;

/** How the processes of one scan are read. */
export interface ProcessContext {
  readonly history: History;
  readonly procRoot: string;
  readonly pageBytes: number;
  /** Cgroup of PID 1: names are relative to it. */
  readonly base: Membership;
  /** May another three descriptors stay open? */
  readonly mayKeep: () => boolean;
}

const ioValues = new Float64Array(2);

export class ObservedProcess {
  readonly pid: number;
  readonly stat = new Float64Array(STAT_LENGTH);
  readonly keeps: boolean;
  name = '';
  cmdline = '';
  cgroup: string | undefined;
  /** The whole text of /proc/PID/cgroup: the key of its controllers' paths. */
  membership = '';
  metrics: MetricEnvironment | undefined;
  owner: ProcessOwner = { uid: 0, gid: 0, swap: 0 };
  group: Group | undefined;
  /** Scans since it was found. */
  age = 0;
  readBytes = Number.NaN;
  writeBytes = Number.NaN;
  readonly #directory: string;
  #statFd = CLOSED;
  #ioFd = CLOSED;
  #scheduleFd = CLOSED;
  #timeslices = Number.NaN;
  #nameHash = Number.NaN;

  constructor(pid: number, context: ProcessContext) {
    this.pid = pid;
    this.#directory = `${context.procRoot}/${pid}`;
    this.keeps = context.mayKeep();
    if (!this.keeps) return;
    this.#statFd = openOr(`${this.#directory}/stat`);
    this.#ioFd = openOr(`${this.#directory}/io`);
    this.#scheduleFd = openOr(`${this.#directory}/schedstat`);
  }

  get startTicks(): number {
    return this.stat[STAT.startTime] as number;
  }

  /** Reads a kept descriptor, or the file by name when there is no room for descriptors. Length, or -1 when gone. */
  #read(fd: number, file: string): number {
    if (fd !== CLOSED) return readInto(fd);
    if (this.keeps) return CLOSED;
    const opened = openOr(`${this.#directory}/${file}`);
    if (opened === CLOSED) return CLOSED;
    const length = readInto(opened);
    closeSync(opened);
    return length;
  }

  /** The process certainly did not run since the last scan: one thread, same number of time slices. */
  slept(): boolean {
    if (this.stat[STAT.threads] !== 1) return false;
    const length = this.#read(this.#scheduleFd, 'schedstat');
    const timeslices = length > 0 ? parseTimeslices(buffer, length) : Number.NaN;
    const same = timeslices === this.#timeslices;
    this.#timeslices = timeslices;
    return same;
  }

  /** Reads stat and io. false = the process is gone (or its pid belongs to another one). */
  refresh(pageBytes: number): boolean {
    const before = this.startTicks;
    const length = this.#read(this.#statFd, 'stat');
    if (length <= 0 || !parseProcessStat(buffer, length, this.stat)) return false;
    if (this.group !== undefined && this.startTicks !== before) return false;
    this.stat[STAT.rss] = (this.stat[STAT.rss] as number) * pageBytes;
    if (this.#nameHash !== this.stat[STAT.nameHash]) {
      this.name = buffer.toString('utf8', this.stat[STAT.nameStart], this.stat[STAT.nameEnd]);
    }
    if (this.stat[STAT.vsize] !== 0) this.#refreshIo();
    return true;
  }

  #refreshIo(): void {
    const length = this.#read(this.#ioFd, 'io');
    if (length <= 0 || !parseProcessIo(buffer, length, ioValues)) return;
    this.readBytes = ioValues[0] as number;
    this.writeBytes = ioValues[1] as number;
  }

  /** The name changed since `refreshIdentity`: an exec, so command line, environment and cgroup may be new. */
  get renamed(): boolean {
    return this.#nameHash !== this.stat[STAT.nameHash];
  }

  /** What only an exec changes, and all of the slow part. Kernel threads have none of it. */
  refreshIdentity(context: ProcessContext, cmdlineBytes: number): void {
    this.#nameHash = this.stat[STAT.nameHash] as number;
    if (this.stat[STAT.vsize] !== 0) {
      this.cmdline = (readText(`${this.#directory}/cmdline`) ?? '').slice(0, cmdlineBytes);
      this.metrics = parseEnvironment(readText(`${this.#directory}/environ`) ?? '');
    }
    this.refreshPlace(context);
  }

  /** Owner, swap and cgroup. Swap may grow and the cgroup may change at any time, but seldom. */
  refreshPlace(context: ProcessContext): void {
    if (this.stat[STAT.vsize] !== 0) this.owner = parseOwner(readText(`${this.#directory}/status`) ?? '');
    const membership = readText(`${this.#directory}/cgroup`) ?? '';
    if (membership === this.membership && this.group !== undefined) return;
    this.membership = membership;
    const cgroup = cgroupName(parseMembership(membership), context.base);
    if (cgroup === this.cgroup && this.group !== undefined) return;
    this.cgroup = cgroup;
    this.#openGroup(context.history);
  }

  #openGroup(history: History): void {
    if (this.group !== undefined) history.close(this.group);
    const pid = String(this.pid);
    const labels = this.cgroup === undefined ? { pid } : { pid, cgroup: this.cgroup };
    this.group = history.open(labels, PROCESS_FIELDS);
  }

  store(history: History): void {
    if (this.group === undefined) return;
    const { first } = this.group;
    history.set(first + PROCESS.vsize, this.stat[STAT.vsize] as number);
    history.set(first + PROCESS.rss, this.stat[STAT.rss] as number);
    history.set(first + PROCESS.swap, this.owner.swap);
    history.set(first + PROCESS.threads, this.stat[STAT.threads] as number);
    history.set(first + PROCESS.userTime, this.stat[STAT.userTime] as number);
    history.set(first + PROCESS.systemTime, this.stat[STAT.systemTime] as number);
    history.set(first + PROCESS.readBytes, this.readBytes);
    history.set(first + PROCESS.writeBytes, this.writeBytes);
  }

  close(history: History): void {
    for (const fd of [this.#statFd, this.#ioFd, this.#scheduleFd]) if (fd !== CLOSED) closeSync(fd);
    this.#statFd = this.#ioFd = this.#scheduleFd = CLOSED;
    if (this.group !== undefined) history.close(this.group);
    this.group = undefined;
  }
}

function openOr(path: string): number {
  try {
    return openSync(path, 'r');
  } catch {
    return CLOSED;
  }
}

function readInto(fd: number): number {
  try {
    return readSync(fd, buffer, 0, SHORT_BYTES, 0);
  } catch {
    return CLOSED;
  }
}
