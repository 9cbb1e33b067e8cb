// The notify socket of each instance that has one: a directory of its own, which only its container (and root) can reach.
// The directory is mounted, not the socket: a later supervisor binds the same path anew, and the program finds it again.
import { chmodSync, closeSync, existsSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatagramReceiver } from '@suite/shared/linux/datagram-receiver.ts';
import { bindDatagram } from '@suite/shared/linux/unix-datagram.ts';
import { LIMITS } from '../config/defaults.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { type Notice, parseNotice } from '../core/probe/notice.ts';
import type { Attachment, BundlePart, RunPart } from './attachment.ts';
import { instanceDir } from './paths.ts';

/** In our own tmpfs /dev: no image needs a mount point for it. */
const INSIDE_DIR = '/dev/lithos';
const SOCKET = 'notify.sock';
const US_PER_MS = 1000;
const ROOT_ONLY = 0o700;
/** The container's users reach it through the mount; the parents keep everybody else out. */
const EVERYBODY_ENTERS = 0o755;
const EVERYBODY_WRITES = 0o666;

interface Bound {
  readonly run: number;
  readonly fd: number;
  listening: boolean;
}

/** Whether the program has something to say: that it is ready, or that it is alive. */
export function hasNotifySocket(desired: DesiredInstance): boolean {
  return desired.readiness?.kind === 'notify' || desired.watchdogMs !== null;
}

export class NotifySockets implements Attachment {
  readonly concern = 'notify';
  private readonly root: string;
  private readonly bound = new Map<string, Bound>();
  private made: DatagramReceiver | undefined;

  /** `root`: the directory of all of them, on the host. */
  constructor(root: string) {
    this.root = root;
  }

  async prepare(desired: DesiredInstance): Promise<BundlePart> {
    if (!hasNotifySocket(desired)) return {};
    const directory = await this.directory(desired.name);
    const { watchdogMs } = desired;
    return {
      env: {
        NOTIFY_SOCKET: join(INSIDE_DIR, SOCKET),
        ...(watchdogMs === null ? {} : { WATCHDOG_USEC: String(watchdogMs * US_PER_MS) }),
      },
      mounts: [{ type: 'bind', source: directory, target: INSIDE_DIR, readonly: true, noexec: true }],
    };
  }

  async attach(desired: DesiredInstance, run: number): Promise<RunPart> {
    if (!hasNotifySocket(desired)) return {};
    await this.directory(desired.name);
    this.bind(desired.name, run);
    return {};
  }

  async detach(name: string, run: number): Promise<void> {
    if (this.bound.get(name)?.run === run) this.close(name);
  }

  async forget(name: string): Promise<void> {
    this.close(name);
    const directory = instanceDir(this.root, name);
    await rm(directory, { recursive: true, force: true });
    await rmdir(dirname(directory)).catch(() => undefined);
  }

  /**
   * What the program of this run says from now on, and what waits in its queue. Binds the socket of a run that was adopted.
   * Throws when that is not possible.
   */
  listen(name: string, run: number, onNotice: (notice: Notice) => void): void {
    const bound = this.bound.get(name)?.run === run ? this.bound.get(name) : this.bind(name, run);
    if (bound === undefined || bound.listening) return;
    bound.listening = true;
    this.receiver.add(bound.fd, message => onNotice(parseNotice(message.toString('utf8'))));
  }

  /** Reads what has come and was not told yet: before someone is said to have been silent. */
  flush(name: string): void {
    const bound = this.bound.get(name);
    if (bound?.listening) this.receiver.readNow(bound.fd);
  }

  private get receiver(): DatagramReceiver {
    this.made ??= new DatagramReceiver(LIMITS.noticeBytes);
    return this.made;
  }

  private async directory(name: string): Promise<string> {
    const directory = instanceDir(this.root, name);
    if (existsSync(directory)) return directory;
    await mkdir(this.root, { recursive: true, mode: ROOT_ONLY });
    await mkdir(directory, { recursive: true });
    chmodSync(directory, EVERYBODY_ENTERS);
    return directory;
  }

  private bind(name: string, run: number): Bound {
    this.close(name);
    const path = join(instanceDir(this.root, name), SOCKET);
    const bound = { run, fd: bindDatagram(path), listening: false };
    this.bound.set(name, bound);
    chmodSync(path, EVERYBODY_WRITES);
    return bound;
  }

  private close(name: string): void {
    const bound = this.bound.get(name);
    if (bound === undefined) return;
    this.bound.delete(name);
    if (bound.listening) this.receiver.remove(bound.fd);
    else closeSync(bound.fd);
  }
}
