import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { cgroupPaths } from '../linux/cgroup.ts';
import { ownCgroupMounts, readCgroupStats } from '../linux/cgroup-files.ts';
import { findProgram } from '../linux/programs.ts';
import { lastMessage, type OciRuntime } from './runtime.ts';

export interface MonitorOptions {
  readonly runtime: OciRuntime;
  readonly id: string;
  readonly bundle: string;
  /** What the container writes, in the k8s-file format: `TIME stdout F text`. */
  readonly logPath: string;
  /** Or straight into an open file of ours, unchanged; then `logPath` gets nothing. */
  readonly logFd?: number;
  /** … and stderr there, if it is another one. */
  readonly errorFd?: number;
  /** conmon leaves the exit code in `exitDir/ID`. */
  readonly exitDir: string;
  /** … and (mostly, see `sawOomKill`) an empty file `oom` here when the kernel killed for memory. One directory per container. */
  readonly persistDir: string;
  /** Pid of the container's PID 1. */
  readonly pidFile: string;
  readonly conmonPidFile: string;
  /** Descriptors of ours that the container gets as 3, 4, … in this order (listening sockets). */
  readonly preserveFds?: readonly number[];
  /** Instead of a new container: another program in one that runs, under a monitor of its own. It starts at once. */
  readonly exec?: MonitoredExec;
  /** Environment of conmon and the runtime, not of the container. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface MonitoredExec {
  /** Id of the container; `id` names the session. */
  readonly container: string;
  /** File with runtime-spec's `process`. */
  readonly processSpec: string;
  /** conmon names the exit file after the container; this second name, on the same file system, is made when it is whole. */
  readonly exitLink: string;
}

type MonitorResult = { readonly pid: number } | { readonly error: { readonly message: string } };

/** A monitor that loads while its caller still prepares what the container will need. */
export interface PendingMonitor {
  /** Have the container created: everything is ready. */
  release(): void;
  /** No container after all. */
  abandon(): void;
  /** Settles some time after `release`. */
  readonly created: Promise<MonitorResult>;
}

const CREATE_TIMEOUT_MS = 30_000;
const FIRST_FREE_FD = 3;
/** One JSON line; a runtime's error message inside it can be long, but not longer than this. */
const MAX_SYNC_BYTES = 65536;

function failed(message: string): MonitorResult {
  return { error: { message } };
}

function execArguments({ exec, exitDir }: MonitorOptions): string[] {
  if (exec === undefined) return [];
  const link = ['-f', join(exitDir, exec.container), exec.exitLink].flatMap(word => [
    '--exit-command-arg',
    word,
  ]);
  return [
    // In the first protocol an exec only tells its exit code, at its end.
    ...['--api-version', '1'],
    '--exec',
    '--exec-process-spec',
    exec.processSpec,
    '--exit-command',
    findProgram('ln') ?? 'ln',
    ...link,
  ];
}

function conmonArguments(options: MonitorOptions): string[] {
  const { runtime, id, bundle } = options;
  const preserved = options.preserveFds?.length ?? 0;
  return [
    ...['--cid', options.exec?.container ?? id, '--cuuid', id, '--name', id],
    ...execArguments(options),
    ...[
      '--bundle',
      bundle,
      '--container-pidfile',
      options.pidFile,
      '--conmon-pidfile',
      options.conmonPidFile,
    ],
    ...['--log-path', options.logFd === undefined ? `k8s-file:${options.logPath}` : 'passthrough'],
    ...[
      '--exit-dir',
      options.exitDir,
      '--persist-dir',
      options.persistDir,
      '--socket-dir-path',
      options.persistDir,
    ],
    ...['--runtime', runtime.choice.program],
    ...runtime.globalArguments.flatMap(argument => ['--runtime-arg', argument]),
    ...(preserved > 0 ? ['--runtime-opt', `--preserve-fds=${preserved}`] : []),
  ];
}

/** What a service manager told us about sockets of ours would be taken by conmon and the runtime for theirs. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const { LISTEN_FDS: _f, LISTEN_PID: _p, LISTEN_FDNAMES: _n, NOTIFY_SOCKET: _s, ...rest } = process.env;
  return rest;
}

/** Its last two descriptors: the pipe it waits at before it does anything, and the one it answers in. */
function spawnConmon(conmon: string, options: MonitorOptions): ChildProcess {
  const preserved = options.preserveFds ?? [];
  const startFd = FIRST_FREE_FD + preserved.length;
  const [program = '', ...args] = options.runtime.choice.wrap([conmon, ...conmonArguments(options)]);
  const output = options.logFd ?? 'ignore';
  return spawn(program, args, {
    // conmon marks an out-of-memory kill in its working directory too.
    cwd: options.bundle,
    env: {
      ...(options.env ?? ownEnvironment()),
      _OCI_STARTPIPE: String(startFd),
      _OCI_SYNCPIPE: String(startFd + 1),
    },
    stdio: ['ignore', output, options.errorFd ?? options.logFd ?? 'pipe', ...preserved, 'pipe', 'pipe'],
  });
}

/** `{"pid": PID}`, or `{"pid": -1, "message": …}` with the runtime's own words; later protocol versions say `data`. */
function parseSync(line: string): MonitorResult {
  try {
    const { message, ...answer } = JSON.parse(line) as { pid?: unknown; data?: unknown; message?: unknown };
    const pid = answer.pid ?? answer.data;
    if (typeof pid === 'number' && pid > 0) return { pid };
    return failed(typeof message === 'string' ? lastMessage(message) : 'the runtime created no container');
  } catch {
    return failed(`the monitor answered ${JSON.stringify(line.slice(0, 200))}`);
  }
}

function readSync(child: ChildProcess): Promise<MonitorResult> {
  return new Promise(resolve => {
    const pipe = child.stdio.at(-1) as Readable;
    const talk = child.stderr;
    let line = '';
    let complaint = '';
    const finish = (result: MonitorResult) => {
      clearTimeout(timer);
      pipe.destroy();
      talk?.destroy();
      child.unref();
      resolve(result);
    };
    const timer = setTimeout(() => finish(failed('the monitor did not answer in time')), CREATE_TIMEOUT_MS);
    talk?.on('data', chunk => {
      complaint = (complaint + chunk).slice(-MAX_SYNC_BYTES);
    });
    pipe.on('data', chunk => {
      line += chunk;
      if (line.includes('\n') || line.length > MAX_SYNC_BYTES) finish(parseSync(line.trim()));
    });
    pipe.on('end', () =>
      finish(line === '' ? failed(lastMessage(complaint) || 'the monitor ended') : parseSync(line)),
    );
    child.on('error', error => finish(failed(error.message)));
  });
}

/**
 * Starts a monitor (conmon), which takes as long to load as a container takes to be created, and holds it before it makes
 * one. When this process ends without a word the monitor goes on as if released.
 */
export function beginMonitored(options: MonitorOptions): PendingMonitor {
  const conmon = findProgram('conmon');
  if (conmon === undefined) {
    const created = Promise.resolve(failed('conmon is not installed: apt-get install -y conmon'));
    return { release: () => undefined, abandon: () => undefined, created };
  }
  const child = spawnConmon(conmon, options);
  const barrier = child.stdio.at(-2) as Writable;
  // One that ended early is reported by what it answers.
  barrier.on('error', () => undefined);
  const abandon = () => {
    child.kill('SIGKILL');
    barrier.destroy();
  };
  return { release: () => void barrier.end('\n'), abandon, created: readSync(child) };
}

/**
 * Creates a container under a monitor of its own (conmon), which becomes nobody's child, holds its output and outlives
 * us. The program does not run yet: `runtime.start(id)` does that. Leaves no container behind when it fails.
 */
export async function createMonitored(options: MonitorOptions): Promise<MonitorResult> {
  await mkdir(options.exitDir, { recursive: true, mode: 0o700 });
  await mkdir(options.persistDir, { recursive: true, mode: 0o700 });
  const monitor = beginMonitored(options);
  monitor.release();
  return await monitor.created;
}

/** `createMonitored`, then start. */
export async function startMonitored(options: MonitorOptions): Promise<MonitorResult> {
  const created = await createMonitored(options);
  if ('error' in created) return created;
  const failure = await options.runtime.start(options.id);
  if (failure === undefined) return created;
  await options.runtime.delete(options.id, true);
  return failed(failure.error);
}

interface ExitStatus {
  /** 128 + N when signal N ended the program. */
  readonly code: number;
  readonly oomKilled: boolean;
}

interface ExitPlaces {
  readonly exitDir: string;
  readonly persistDir: string;
  /** Of the sandbox; before `delete` removes it. */
  readonly cgroupPath?: string;
}

/** conmon may see the end before the kernel's word about memory, and then leaves no marker; the cgroup still knows. */
function sawOomKill({ persistDir, cgroupPath }: Omit<ExitPlaces, 'exitDir'>): boolean {
  if (existsSync(join(persistDir, 'oom'))) return true;
  if (cgroupPath === undefined) return false;
  return (readCgroupStats(cgroupPaths(ownCgroupMounts(), cgroupPath)).oomKills ?? 0) > 0;
}

/** What conmon left behind; undefined while the container runs, or when conmon was killed before it. */
export async function readExit(id: string, places: ExitPlaces): Promise<ExitStatus | undefined> {
  const text = await readFile(join(places.exitDir, id), 'utf8').catch(() => undefined);
  if (text === undefined || !/^\d+\s*$/.test(text)) return undefined;
  return { code: Number(text), oomKilled: sawOomKill(places) };
}
