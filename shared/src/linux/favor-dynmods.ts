// `favordynmods` on a host with cgroup v2 alone: on its one hierarchy. A further one would be a line of /proc/PID/cgroup
// above that of v2, and programs that look at the first line only take the host for one with v1: Node.js (libuv) would not see the memory
// limit of its container, conmon would not see the kernel end a process for memory.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { unifiedOptions } from './cgroup.ts';
import { reconfigureMount } from './detached-mount.ts';

const OPTION = 'favordynmods';

const options = (): string[] => unifiedOptions(readFileSync('/proc/self/mountinfo', 'utf8'));

function give(mountPoint: string, wanted: readonly string[]): void {
  reconfigureMount(mountPoint, Object.fromEntries(wanted.map(name => [name, true as const])));
}

/**
 * `mark`: a file that says, until the host goes down, that it was us, who may have been killed before we could take it back. Throws
 * where the kernel is older, or in a container, where nothing comes of it.
 */
export function favorUnified(mountPoint: string, mark: string): void {
  const found = options();
  if (found.includes(OPTION)) return;
  writeFileSync(mark, '');
  try {
    give(mountPoint, [...found, OPTION]);
    if (!options().includes(OPTION))
      throw new Error(`${mountPoint} does not take ${OPTION}: in a container?`);
  } catch (error) {
    rmSync(mark, { force: true });
    throw error;
  }
}

/** What was not done by us, or by who left the mark, stays. */
export function disfavorUnified(mountPoint: string, mark: string): void {
  if (!existsSync(mark)) return;
  give(
    mountPoint,
    options().filter(name => name !== OPTION),
  );
  rmSync(mark, { force: true });
}
