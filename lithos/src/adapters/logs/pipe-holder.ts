// Holds the output pipes of all runs open, also while no supervisor lives: they wait as messages in the queue of a socket,
// and a process that does nothing keeps the socket. From there the next supervisor gets them back.
import { spawn } from 'node:child_process';
import { closeSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { receiveFds, sendFds, socketPair } from '@suite/shared/linux/fd-passing.ts';
import { pidfdGetFd, pidfdOpen } from '@suite/shared/linux/pidfd.ts';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import { LOGS } from '../../config/defaults.ts';

/** Tells whose it is. */
const VARIABLE = 'LITHOS_PIPES_OF';
/** Both ends of the socket, in the process that keeps them. */
const ENDS = [3, 4] as const;

/** `key` names the run. */
export interface Held {
  readonly key: string;
  readonly fds: readonly number[];
}

export class PipeHolder {
  private readonly runtimeDir: string;
  private readonly file: string;
  private ends: readonly [number, number] | undefined;
  /** Line of the file about the process we began, which a full disk may refuse. */
  private line: string | undefined;
  private isNoted = false;
  /** Messages in the queue of runs that are over. */
  private stale = 0;

  constructor(runtimeDir: string) {
    this.runtimeDir = runtimeDir;
    this.file = join(runtimeDir, 'pipe-holder.pid');
  }

  /** What an earlier supervisor has put there, which stays there; the descriptors are the caller's to close. */
  open(): Held[] {
    const pid = this.pid();
    this.endStrays(pid);
    const held = pid === undefined ? [] : this.recover(pid);
    this.ends ??= socketPair(LOGS.holderQueueBytes);
    this.putAll(held);
    this.keepAlive();
    return held;
  }

  /** Another version of lithos may keep something else there: then there is nothing to get back, and it goes. */
  private recover(pid: number): Held[] {
    try {
      this.ends = copyEnds(pid);
      return this.takeAll();
    } catch {
      this.closeEnds();
      this.end(pid);
      return [];
    }
  }

  private closeEnds(): void {
    for (const fd of this.ends ?? []) closeSync(fd);
    this.ends = undefined;
  }

  /** Whoever keeps the socket may have been killed: the queue is ours too. */
  keepAlive(): void {
    if (this.ends === undefined) return;
    if (this.pid() === undefined) this.begin(this.ends);
    this.note();
  }

  private begin(ends: readonly [number, number]): void {
    const child = spawn('sleep', ['infinity'], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH, [VARIABLE]: this.runtimeDir },
      stdio: ['ignore', 'ignore', 'ignore', ...ends],
    });
    // Its absence is noticed by the next look.
    child.on('error', () => undefined);
    child.unref();
    this.line = child.pid === undefined ? undefined : `${child.pid} ${processStartTime(child.pid) ?? ''}`;
    this.isNoted = false;
  }

  /** For the next supervisor. What a full disk does not take is tried again with the next look. */
  private note(): void {
    if (this.line === undefined || this.isNoted) return;
    try {
      writeFileSync(`${this.file}.next`, `${this.line}\n`);
      renameSync(`${this.file}.next`, this.file);
      this.isNoted = true;
    } catch {
      rmSync(`${this.file}.next`, { force: true });
    }
  }

  /** `living`: all that must be held, this one included, in case there is no room for another message. */
  put(held: Held, living: () => readonly Held[]): void {
    if (this.ends === undefined) return;
    if (this.stale > LOGS.holderStaleMax || !sendFds(this.ends[0], held.key, held.fds))
      this.restock(living());
  }

  /** A run is over; its message goes when there are many such. */
  drop(): void {
    this.stale++;
  }

  /** Nothing runs any more. */
  close(): void {
    this.end(this.pid());
    rmSync(this.file, { force: true });
    this.closeEnds();
    this.line = undefined;
  }

  private restock(living: readonly Held[]): void {
    for (const { fds } of this.takeAll()) for (const fd of fds) closeSync(fd);
    this.putAll(living);
  }

  private putAll(all: readonly Held[]): void {
    for (const { key, fds } of all) if (this.ends !== undefined) sendFds(this.ends[0], key, fds);
  }

  private takeAll(): Held[] {
    const all: Held[] = [];
    if (this.ends === undefined) return all;
    for (let next = receiveFds(this.ends[1]); next !== undefined; next = receiveFds(this.ends[1]))
      all.push({ key: next.text, fds: next.fds });
    this.stale = 0;
    return all;
  }

  /** Of the one in charge, of an earlier supervisor too; undefined when none lives. A damaged file says nothing: 0 would be ourselves. */
  private pid(): number | undefined {
    try {
      const line = this.line ?? readFileSync(this.file, 'latin1');
      const [, pid, start] = /^([1-9]\d*) (\d+)\s*$/.exec(line) ?? [];
      return pid !== undefined && processStartTime(Number(pid)) === start ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Of a supervisor that died before it had written down which one it had begun. */
  private endStrays(known: number | undefined): void {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
    for (const pid of pids.map(Number)) if (pid !== known && this.isOurs(pid)) this.end(pid);
  }

  private isOurs(pid: number): boolean {
    try {
      const environ = () => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      return (
        readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n' &&
        environ().includes(`${VARIABLE}=${this.runtimeDir}`)
      );
    } catch {
      return false;
    }
  }

  private end(pid: number | undefined): void {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch {
      // It was gone already.
    }
  }
}

function copyEnds(pid: number): [number, number] {
  const pidfd = pidfdOpen(pid);
  try {
    return [pidfdGetFd(pidfd, ENDS[0]), pidfdGetFd(pidfd, ENDS[1])];
  } finally {
    closeSync(pidfd);
  }
}
