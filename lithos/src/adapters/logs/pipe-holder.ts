// A process that does nothing but hold the pipes of all runs open, so that they survive even when the supervisor and a
// monitor die together. It cannot be given more of them while it runs: another one takes its place, at most twice a second.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import { LOGS } from '../../config/defaults.ts';

export interface PipeHolderOptions {
  readonly runtimeDir: string;
  readonly clock: Clock;
  /** What is to be held now. */
  readonly fds: () => readonly number[];
  readonly onError: (error: Error) => void;
}

/** Tells whose it is. */
const VARIABLE = 'LITHOS_PIPES_OF';

export class PipeHolder {
  private readonly options: PipeHolderOptions;
  private readonly file: string;
  private child: ChildProcess | undefined;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(options: PipeHolderOptions) {
    this.options = options;
    this.file = join(options.runtimeDir, 'pipe-holder.pid');
  }

  /** Pid of the one in charge, of an earlier supervisor too; undefined when none lives. */
  pid(): number | undefined {
    try {
      const [pid, start] = readFileSync(this.file, 'latin1').trim().split(' ');
      return processStartTime(Number(pid)) === start ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Those of an earlier supervisor that died before it had written down which one it had begun. */
  endStrays(): void {
    const known = this.pid();
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
      if (Number(pid) !== known && this.isOurs(pid)) this.end(Number(pid));
  }

  private isOurs(pid: string): boolean {
    try {
      return (
        readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n' &&
        readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .includes(`${VARIABLE}=${this.options.runtimeDir}`)
      );
    } catch {
      return false;
    }
  }

  changed(): void {
    if (this.stopped) return;
    this.timer ??= this.options.clock.after(LOGS.holdPipesMs, () => {
      this.timer = undefined;
      this.replace();
    });
  }

  /** `end`: the process too; without it, it goes on for the next supervisor. */
  stop(end: boolean): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (!end) return;
    this.stopped = true;
    this.end(this.pid());
    rmSync(this.file, { force: true });
  }

  private replace(): void {
    const before = this.pid();
    const fds = this.options.fds();
    try {
      if (fds.length > 0) this.begin(fds);
      else rmSync(this.file, { force: true });
      this.end(before);
    } catch (error) {
      this.options.onError(error as Error);
    }
  }

  private begin(fds: readonly number[]): void {
    const child = spawn('sleep', ['infinity'], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH, [VARIABLE]: this.options.runtimeDir },
      stdio: ['ignore', 'ignore', 'ignore', ...fds],
    });
    child.on('error', this.options.onError);
    child.on('exit', () => {
      if (this.child === child) this.changed();
    });
    child.unref();
    this.child = child;
    if (child.pid !== undefined)
      writeFileSync(this.file, `${child.pid} ${processStartTime(child.pid) ?? ''}\n`);
  }

  private end(pid: number | undefined): void {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch {
      // It was gone already.
    }
  }
}
