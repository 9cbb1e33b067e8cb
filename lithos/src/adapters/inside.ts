// Commands inside a running container: with the user, environment, limits and confinement of its program.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OciRuntime } from '@suite/shared/oci/runtime.ts';
import type { Clock, Disk } from '@suite/shared/ports/index.ts';
import { LIMITS, TIMES } from '../config/defaults.ts';
import { inOneLine } from '../core/instance/printable.ts';
import type { Cgroups } from './cgroups.ts';
import type { HostPaths } from './paths.ts';
import { containerOf } from './process-only.ts';
import { readPid, runFiles } from './records.ts';

export interface InsideOptions {
  readonly runtime: OciRuntime;
  readonly paths: HostPaths;
  readonly cgroups: Cgroups;
  readonly disk: Disk;
  readonly clock: Clock;
}

export interface InsideResult {
  /** Null: it was ended from outside (time limit, abort) or by a signal. */
  readonly code: number | null;
  readonly timedOut: boolean;
  /** The beginning of stdout and stderr. */
  readonly output: string;
}

interface ProcessSpec {
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/** What is killed may have forked meanwhile; one that forks faster than we look is left to the limits of its container. */
const SWEEPS = 20;
/** Looking at a process takes 0.1 ms, and a container may have thousands: the others must not wait for all of them. */
const AT_ONCE = 50;
const OWNER_ONLY = 0o600;
/** In the environment of everything a call starts: so all of it is found again. */
const MARK = 'LITHOS_EXEC';
/** They mean the program itself: its descriptors, its socket. */
const NOT_INHERITED = /^(LISTEN_(FDS|PID|FDNAMES)|NOTIFY_SOCKET|WATCHDOG_USEC|LITHOS_EXEC)=/;

/** The process part of a bundle's config.json for another command. */
async function processSpec(bundle: string, argv: readonly string[], mark: string): Promise<ProcessSpec> {
  const config = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as { process: ProcessSpec };
  const env = config.process.env.filter(entry => !NOT_INHERITED.test(entry));
  return { ...config.process, args: argv, env: [...env, `${MARK}=${mark}`] };
}

function isMarked(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${MARK}=${mark}`);
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

export class Inside {
  private readonly options: InsideOptions;
  private calls = 0;

  constructor(options: InsideOptions) {
    this.options = options;
  }

  /**
   * Runs `argv` in the container of that run and waits for its end. When the time is over (or `signal` says so) it and
   * everything it started is killed, and what it left running when it ended by itself is too. Rejects with a sentence
   * when there is no such container.
   */
  async run(
    name: string,
    run: number,
    argv: readonly string[],
    limits: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<InsideResult> {
    const { bundle, id } = runFiles(this.options.paths, name, run);
    // Unlike those of a supervisor before us that may still be running.
    const mark = `${process.pid}-${Math.round(this.options.clock.wallMs())}-${++this.calls}`;
    const files = { spec: join(bundle, `exec-${mark}.json`), pid: join(bundle, `exec-${mark}.pid`) };
    const spec = await processSpec(bundle, argv, mark);
    await this.options.disk.writeAtomic(files.spec, JSON.stringify(spec), { mode: OWNER_ONLY });
    try {
      const child = this.spawn([
        'exec',
        '--process',
        files.spec,
        '--pid-file',
        files.pid,
        (await containerOf(bundle)) ?? id,
      ]);
      const result = await this.finish(child, limits);
      if (result.ended) await this.endIncomplete(name, files.pid);
      await this.sweep(name, mark);
      return result;
    } finally {
      await rm(files.spec, { force: true });
      await rm(files.pid, { force: true });
    }
  }

  private spawn(args: readonly string[]): ChildProcess {
    const [program = '', ...rest] = this.options.runtime.commandLine(...args);
    return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  private finish(
    child: ChildProcess,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<InsideResult & { readonly ended: boolean }> {
    return new Promise((resolve, reject) => {
      let output = '';
      let timedOut = false;
      const end = () => child.kill('SIGKILL');
      const timer = this.options.clock.after(timeoutMs, () => {
        timedOut = true;
        end();
      });
      signal?.addEventListener('abort', end, { once: true });
      const done = () => {
        timer.cancel();
        signal?.removeEventListener('abort', end);
        child.stdout?.destroy();
        child.stderr?.destroy();
      };
      const hear = (chunk: Buffer) => {
        if (output.length < LIMITS.insideOutputBytes)
          output = (output + chunk.toString('utf8')).slice(0, LIMITS.insideOutputBytes);
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('error', error => {
        done();
        reject(error);
      });
      // Not `close`: what it left in the background may hold the pipes.
      child.once('exit', (code, by) => {
        setImmediate(() => {
          done();
          resolve({ code, timedOut, output: inOneLine(output), ended: by !== null });
        });
      });
    });
  }

  /** The runtime was killed over the command: the command may just be coming into being. */
  private async endIncomplete(name: string, pidFile: string): Promise<void> {
    const { clock } = this.options;
    const giveUpMs = clock.monotonicMs() + TIMES.insidePidMs;
    for (;;) {
      const pid = await readPid(pidFile);
      if (pid !== undefined) return this.candidates(name).includes(pid) ? kill(pid) : undefined;
      if (clock.monotonicMs() > giveUpMs) return;
      await new Promise<void>(resolve => clock.after(TIMES.killPollMs, resolve));
    }
  }

  /** Without cgroups it may be any process of the host. */
  private candidates(name: string): number[] {
    const { cgroups } = this.options;
    if (cgroups.enabled) return cgroups.pids(name);
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  }

  private async sweep(name: string, mark: string): Promise<void> {
    for (let pass = 0; pass < SWEEPS; pass++) {
      let found = false;
      for (const [index, pid] of this.candidates(name).entries()) {
        if (index % AT_ONCE === AT_ONCE - 1) await new Promise<void>(resolve => setImmediate(resolve));
        if (!isMarked(pid, mark)) continue;
        kill(pid);
        found = true;
      }
      if (!found) return;
    }
  }
}
