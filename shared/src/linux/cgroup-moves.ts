// A process moved into another cgroup waits 8–15 ms for an RCU grace period of the kernel, unless another move has ended
// some milliseconds before: the first one switches a lock of all cgroups into its slow mode, in which it stays for a
// while. The mount option `favordynmods` (Linux 6.0, admin-guide/cgroup-v2.rst) keeps it there; without it, whoever knows that a
// move is coming can have the switch done meanwhile.
import { closeSync, constants, openSync, readFileSync, write } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMounts, cgroupPathsOfProcess } from './cgroup.ts';
import { detachedMount } from './detached-mount.ts';
import { disfavorUnified, favorUnified } from './favor-dynmods.ts';

/** One hierarchy for all who hold it, without a controller and with every process in its root. */
const HIERARCHY = 'favordynmods';

/** One that is just going, with a tree that ended or is replaced, is busy for two or three grace periods, which the kernel waits for itself. */
const TRIES = 10;

function holdHierarchy(): number {
  for (let left = TRIES; ; left--) {
    try {
      return detachedMount('cgroup', { none: true, name: HIERARCHY, favordynmods: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || left === 1) throw error;
    }
  }
}

export class CgroupMoves {
  readonly #mounts: CgroupMounts;
  #busy = false;
  #held: number | undefined;
  #isFavored = false;

  constructor(mounts: CgroupMounts) {
    this.#mounts = mounts;
  }

  /**
   * From now on no move waits; every fork and exit of the host passes the slow lock. Takes one grace period, some 15 ms. With v1, also
   * beside v2, through a hierarchy that is ours alone and goes with this program; with v2 alone until `disfavor` (`mark`: see there).
   * Throws where the kernel is older, or in a container.
   */
  favor(mark: string): void {
    const { layout, unified } = this.#mounts;
    if (layout === 'v2') favorUnified(unified?.mountPoint ?? '', mark);
    else this.#held ??= holdHierarchy();
    this.#isFavored = true;
  }

  /** Takes back what `favor` of this or an earlier program with that mark has changed on the host. */
  disfavor(mark: string): void {
    const { layout, unified } = this.#mounts;
    if (layout === 'v2') disfavorUnified(unified?.mountPoint ?? '', mark);
  }

  /** Returns at once. Moves this process to where it already is, which changes nothing but has the lock prepared. */
  expectOne(): void {
    if (this.#busy || this.#isFavored) return;
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
