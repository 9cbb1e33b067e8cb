// With cgroup v2 a cgroup that has processes cannot limit its children (cgroup-v2.rst, "No Internal Process Constraint"), so the cgroup the
// tree itself is in must not be one above those of its containers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMounts, parseProcCgroup } from '@suite/shared/linux/cgroup.ts';

/** Where the processes of a container's top cgroup go, ours among them. */
const LEAF = 'lithos-tree.scope';
/** Somebody may start processes there meanwhile. */
const ROUNDS = 10;

function processes(directory: string): string[] {
  return readFileSync(join(directory, 'cgroup.procs'), 'utf8')
    .split('\n')
    .filter(line => line !== '');
}

function move(pid: string, directory: string): void {
  try {
    writeFileSync(join(directory, 'cgroup.procs'), pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Only the root of all cgroups, which has no type, may have both processes and children with limits. */
function emptyTop(top: string): void {
  if (!existsSync(join(top, 'cgroup.type'))) return;
  const leaf = join(top, LEAF);
  mkdirSync(leaf, { recursive: true });
  for (let round = 0, pids = processes(top); round < ROUNDS && pids.length > 0; round++) {
    for (const pid of pids) move(pid, leaf);
    pids = processes(top);
  }
}

/**
 * In a container of its own cgroup namespace (what docker and podman make on v2 hosts) everything is in the top cgroup, and is moved
 * one down. `procCgroup`: of /proc/self/cgroup. Returns with a sentence where `cgroupName` has to be another; throws what the kernel says.
 */
export function leaveRoom(mounts: CgroupMounts, procCgroup: string, cgroupName: string): string | undefined {
  const own = parseProcCgroup(procCgroup).find(({ controllers }) => controllers.length === 0)?.path;
  if (mounts.layout !== 'v2' || mounts.unified === undefined || own === undefined) return undefined;
  if (own === '/') emptyTop(mounts.unified.mountPoint);
  else if (`/${cgroupName}/`.startsWith(`${own}/`))
    return `cgroup-name: ${cgroupName} is in the tree's own cgroup ${own}, which could give it no limits: name another, e.g. lithos.slice`;
  return undefined;
}
