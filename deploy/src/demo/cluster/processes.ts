// The processes behind the instances, as the machine sees them: read from the cgroups lithos puts each instance into.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Demo } from '../demo.ts';
import { type Hierarchy, members } from '../host/cgroups.ts';

/** All processes of `sandbox/process.N` on a host. */
export function processesOf(
  hierarchies: readonly Hierarchy[],
  demo: string,
  host: string,
  instance: string,
): number[] {
  const scope = `${instance.replace('/', ':')}.scope`;
  const found = hierarchies.flatMap(({ base }) => members(join(base, demo, host, 'lithos.slice', scope)));
  return [...new Set(found)].filter(pid => pid > 0).sort((a, b) => a - b);
}

/** Processes of a host's nginx that take connections; those that only finish old ones are left out. */
export function nginxWorkers(demo: Pick<Demo, 'hierarchies' | 'plan'>, host: string): number[] {
  return processesOf(demo.hierarchies, demo.plan.cgroup, host, 'nginx/server.0').filter(pid => {
    const line = commandLine(pid);
    return line.startsWith('nginx: worker process') && !line.includes('shutting down');
  });
}

/** The one whose command line contains `word`; undefined when it is not there. */
export function processWith(pids: readonly number[], word: string): number | undefined {
  return pids.find(pid => commandLine(pid).includes(word));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Changes with every exec and with nothing else: where the kernel put the stack (field 28 of /proc/PID/stat). */
export function execMark(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[25];
  } catch {
    return undefined;
  }
}
