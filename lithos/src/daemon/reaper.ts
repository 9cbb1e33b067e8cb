// PID 1 duties: whatever loses its parent becomes our child, and its zombie must be taken away. Node only reaps what it
// spawned itself; after a re-exec even that is nobody's child any more.

import type { ChildProcess } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import type { Logger } from '@suite/shared/cli/log.ts';
import { becomeSubreaper, reapOrphans } from '@suite/shared/linux/wait.ts';
import { TIMES } from '../config/defaults.ts';

/** Children Node has spawned and not yet seen the end of; their zombies are libuv's. */
function trackChildren(): { pids: () => Set<number>; stop: () => void } {
  const children = new Set<ChildProcess>();
  const spawns = channel('child_process');
  const onSpawn = (message: unknown) => children.add((message as { process: ChildProcess }).process);
  spawns.subscribe(onSpawn);
  const pids = () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) children.delete(child);
    }
    return new Set([...children].flatMap(child => child.pid ?? []));
  };
  return { pids, stop: () => void spawns.unsubscribe(onSpawn) };
}

/** Reaps on every SIGCHLD and, because signals merge, on a slow timer. Returns what stops it. */
export function startReaping(log: Logger, onReaped: (pid: number, code: number) => void): () => void {
  const own = trackChildren();
  // Monitors, and containers that lost theirs, are then ours to see the end of.
  if (process.pid !== 1) becomeSubreaper();
  const reap = () => {
    for (const { pid, status } of reapOrphans(own.pids())) {
      log.debug('reaped an orphan', { pid, status });
      onReaped(pid, status);
    }
  };
  process.on('SIGCHLD', reap);
  const timer = setInterval(reap, TIMES.reapEveryMs);
  return () => {
    process.off('SIGCHLD', reap);
    clearInterval(timer);
    own.stop();
  };
}
