// A process moved into another cgroup waits 8–15 ms for an RCU grace period of the kernel, unless another move has ended
// some milliseconds before: the first one switches a lock of all cgroups into its slow mode, in which it stays for a
// while. Whoever knows that a move is coming can have that done meanwhile.
import { closeSync, constants, openSync, readFileSync, write } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMounts, cgroupPathsOfProcess } from './cgroup.ts';

export class CgroupMoves {
  readonly #mounts: CgroupMounts;
  #busy = false;

  constructor(mounts: CgroupMounts) {
    this.#mounts = mounts;
  }

  /** Returns at once. Moves this process to where it already is, which changes nothing but has the lock prepared. */
  expectOne(): void {
    if (this.#busy) return;
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
