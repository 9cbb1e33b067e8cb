// The demo's cgroups: `/suite-demo.<id>/<host>` in every v1 hierarchy, or in v2.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS_MS } from '../defaults.ts';
import { pause } from '../wait.ts';

export interface Hierarchy {
  readonly kind: 'v1' | 'v2';
  /** Where it is mounted. The demo starts at its root, as lithos does, so that paths are the same everywhere. */
  readonly base: string;
}

/** From /proc/self/mountinfo. A hybrid machine gives its v1 hierarchies only: lithos' hosts there see no v2 mount. */
export function hierarchies(mountinfo: string): Hierarchy[] {
  const mounts = mountinfo.split('\n').map(parseMount);
  const v1 = mounts.filter(mount => mount.type === 'cgroup').map(mount => mount.point);
  if (v1.length > 0) return [...new Set(v1)].map(base => ({ kind: 'v1', base }));
  const v2 = mounts.filter(mount => mount.type === 'cgroup2').map(mount => mount.point);
  return v2.slice(0, 1).map(base => ({ kind: 'v2', base }));
}

/** `36 35 98:0 /root /point opts - type source superoptions`, proc(5). */
function parseMount(line: string): { point: string; type: string } {
  const [before = '', after = ''] = line.split(' - ');
  return { point: before.split(' ')[4] ?? '', type: after.split(' ')[0] ?? '' };
}

export function ownHierarchies(): Hierarchy[] {
  return hierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Makes the group of one host; returns the `cgroup.procs` files its first process must write itself into. */
export function makeCgroups(all: readonly Hierarchy[], parent: string, host: string): string[] {
  return all.map(hierarchy => {
    const above = join(hierarchy.base, parent);
    const own = join(above, host);
    mkdirSync(above, { recursive: true });
    prepare(hierarchy, above);
    mkdirSync(own, { recursive: true });
    prepare(hierarchy, own);
    if (hierarchy.kind === 'v1') return join(own, 'cgroup.procs');
    // v2: processes only in leaves, so that lithos can give limits to the children of `<host>`.
    const leaf = join(own, 'init.scope');
    mkdirSync(leaf, { recursive: true });
    return join(leaf, 'cgroup.procs');
  });
}

/** v1 cpuset: an empty group takes no process until it has cpus and mems. v2: children get controllers from above. */
function prepare(hierarchy: Hierarchy, directory: string): void {
  if (hierarchy.kind === 'v2') {
    for (const controller of ['cpu', 'memory', 'pids', 'io', 'cpuset']) {
      tryWrite(join(directory, 'cgroup.subtree_control'), `+${controller}`);
    }
    return;
  }
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const file = join(directory, name);
    if (!existsSync(file) || readFileSync(file, 'utf8').trim() !== '') continue;
    writeFileSync(file, readFileSync(join(directory, '..', name), 'utf8'));
  }
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // A controller this kernel or this place does not have: its limits do not apply, nothing else is lost.
  }
}

/** Every process of the groups below `directory`, as seen from here. */
export function members(directory: string): number[] {
  return withBelow(directory).flatMap(group => {
    try {
      return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
}

function withBelow(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter(entry => entry.isDirectory());
    return [...children.flatMap(entry => withBelow(join(directory, entry.name))), directory];
  } catch {
    return [];
  }
}

/** Kills whatever is left in the groups and removes them. True when nothing is left. */
export async function removeCgroups(directories: readonly string[]): Promise<boolean> {
  const deadline = performance.now() + LIMITS_MS.cgroupRemove;
  for (;;) {
    for (const pid of directories.flatMap(members)) kill(pid);
    for (const group of directories.flatMap(withBelow)) tryRemove(group);
    if (!directories.some(existsSync)) return true;
    if (performance.now() > deadline) return false;
    await pause(20);
  }
}

function tryRemove(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // Still has a process: the next round sees it.
  }
}

function kill(pid: number): void {
  // 0 is a process of another pid namespace: its own namespace ends it.
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
