// Processes of a running container as this machine sees them.
import { readFileSync } from 'node:fs';
import { parseProcStat } from '@suite/shared/linux/proc.ts';
import { initPid } from './listening.ts';

/** Deeper trees have a fault; each level costs a file. */
const DEPTH_MAX = 64;

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // Gone meanwhile, or a kernel without this file.
    return [];
  }
}

function groupOf(pid: number): number | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.processGroup;
  } catch {
    return undefined;
  }
}

/** Without PID 1 of the container. */
function descendants(pid: number, depth = 0): number[] {
  if (depth > DEPTH_MAX) return [];
  return childrenOf(pid).flatMap(child => [child, ...descendants(child, depth + 1)]);
}

/** The program that the container was started for, while it runs; without an init that is PID 1 itself. */
export function programPid(id: string, hasInit: boolean): number | undefined {
  const init = initPid(id);
  if (init === undefined || !hasInit) return init;
  return childrenOf(init)[0];
}

/**
 * To every process group of the container, past its init: that keeps signals of job control for itself. Who may not
 * be signalled by us is left as it is.
 */
export function signalGroups(id: string, signal: NodeJS.Signals): void {
  const init = initPid(id);
  if (init === undefined) return;
  const groups = new Set(descendants(init).map(groupOf));
  for (const group of groups) {
    try {
      if (group !== undefined && group > 1) process.kill(-group, signal);
    } catch {
      // Gone, or not ours.
    }
  }
}
