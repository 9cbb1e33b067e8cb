// A process moved into another cgroup waits 8–15 ms for an RCU grace period of the kernel, unless another move has ended
// some milliseconds before: the first one switches a lock of all cgroups into its slow mode, in which it stays for a
// while. The mount option `favordynmods` (Linux 6.0, admin-guide/cgroup-v2.rst) keeps it there; without it, whoever knows that a
// move is coming can have the switch done meanwhile.
import { closeSync, constants, openSync, readFileSync, write } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMounts, cgroupPathsOfProcess } from './cgroup.ts';
import { detachedMount } from './detached-mount.ts';

/** One hierarchy for all who hold it, without a controller and with every process in its root. */
const HIERARCHY = 'favordynmods';

export class CgroupMoves {
  readonly #mounts: CgroupMounts;
  #busy = false;
  #held: number | undefined;

  constructor(mounts: CgroupMounts) {
    this.#mounts = mounts;
  }

  /**
   * From now on, as long as this program lives, no move waits; every fork and exit of the host passes the slow lock. Takes one grace
   * period, some 15 ms. Others' mounts keep their options: the hierarchy is ours alone. Throws where the kernel is older, or in a
   * container.
   */
  favor(): void {
    this.#held ??= detachedMount('cgroup', { none: true, name: HIERARCHY, favordynmods: true });
  }

  /** Returns at once. Moves this process to where it already is, which changes nothing but has the lock prepared. */
  expectOne(): void {
    if (this.#busy || this.#held !== undefined) return;
    try {
      const directory = this.#ownDirectory();
      if (directory === undefined) return;
      // Never made here: without that file it is no cgroup.
      const fd = openSync(join(directory, 'cgroup.procs'), constants.O_WRONLY);
      this.#busy = true;
      // Not here: it blocks as long as the grace period takes.
      write(fd, String(process.pid), () => {
        this.#busy = false;
        closeSync(fd);
      });
    } catch {
      // No cgroups, or not ours to write: moves take what they take.
    }
  }

  #ownDirectory(): string | undefined {
    const [directory] = cgroupPathsOfProcess(
      this.#mounts,
      readFileSync('/proc/self/cgroup', 'utf8'),
    ).values();
    return directory;
  }
}
