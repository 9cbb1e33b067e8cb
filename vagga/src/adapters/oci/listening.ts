// Whether a container can already be told to end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INIT_PATH } from '@suite/shared/oci/fixed-mounts.ts';
import { stateDirectory } from '../namespace/state-directory.ts';

/** crun and runc, each with its own file and key for PID 1 of the container. */
const STATES = [
  ['status', 'pid'],
  ['state.json', 'init_process_pid'],
] as const;

export function initPid(id: string): number | undefined {
  for (const [file, key] of STATES) {
    try {
      const state = JSON.parse(readFileSync(join(stateDirectory(), id, file), 'utf8')) as Record<
        string,
        unknown
      >;
      return state[key] as number;
    } catch {
      // The other engine's, or not yet written.
    }
  }
  return undefined;
}

function commandLine(pid: number | string): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

/** Empty while init has not forked; a kernel without this file (PROC_CHILDREN) tells nothing. */
function childrenOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    return undefined;
  }
}

/**
 * The kernel drops signals to a PID 1 that has no handler, and our init drops those that come before its program has a
 * process group of its own. Both are over when the program has been executed.
 */
export function isListening(id: string): boolean {
  const pid = initPid(id);
  const isInit = (text: string) => text.startsWith(`${INIT_PATH}\0`);
  try {
    if (pid === undefined || !isInit(commandLine(pid))) return false;
    const children = childrenOf(pid);
    return children === undefined || children.some(child => !isInit(commandLine(child)));
  } catch {
    return false;
  }
}
