// After a start (first, after a crash, after a re-exec): what is on disk and alive becomes part of the table again.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import type { Containers } from '../adapters/containers.ts';
import type { StdioLogs } from '../adapters/logs/stdio-logs.ts';
import type { HostPaths } from '../adapters/paths.ts';
import {
  childrenOf,
  type FoundRun,
  findRuns,
  hasArgument,
  readPid,
  readySinceWallMs,
  sameProcess,
  stopOrder,
  sweepEmpty,
} from '../adapters/records.ts';
import { findRests } from '../adapters/rest.ts';
import type { Sockets } from '../adapters/sockets.ts';
import type { Supervisor } from './supervisor.ts';

export interface RecoverOptions {
  readonly disk: Disk;
  readonly paths: HostPaths;
  readonly containers: Containers;
  readonly supervisor: Supervisor;
  readonly sockets: Sockets;
  readonly logs: StdioLogs;
  readonly log: Logger;
}

type Complete = Extract<FoundRun, { kind: 'complete' }>;

function isAlive({ record }: Complete): boolean {
  return sameProcess(record.pid, record.processStart);
}

/** Of several runs of one instance (a crash between two of them) the living one counts, else the newest. */
function chooseCurrent(runs: readonly FoundRun[]): Map<string, Complete> {
  const current = new Map<string, Complete>();
  for (const found of runs) {
    if (found.kind !== 'complete') continue;
    const best = current.get(found.record.name);
    if (best === undefined || isAlive(found) || !isAlive(best)) current.set(found.record.name, found);
  }
  return current;
}

async function clearAway(
  { containers }: RecoverOptions,
  current: ReadonlyMap<string, Complete>,
  found: FoundRun,
): Promise<void> {
  if (found.kind === 'complete') {
    const { name, run } = found.record;
    if (current.get(name) !== found) await containers.discard(name, run);
    return;
  }
  const other = current.get(found.name);
  // Beside a living run only a bundle written ahead can be incomplete.
  if (other !== undefined && isAlive(other)) await containers.discard(found.name, found.run);
  else await containers.discardIncomplete(found.name, found.run);
}

/** Who surely has what the run was given (a pid alone may be somebody else's by now): its monitor, else the program. */
async function holders(found: Complete): Promise<number[]> {
  const { files, record } = found;
  const monitor = await readPid(files.monitorPidFile);
  const isMonitor = monitor !== undefined && (await hasArgument(monitor, files.id));
  if (isMonitor) return [monitor];
  // It may have opened others too; an init closes what it does not need.
  return isAlive(found) ? [record.pid, ...(await childrenOf(record.pid))] : [];
}

/** Adopts what runs, or ran and has left its exit code; clears away what a crash left half made. */
export async function recover(options: RecoverOptions): Promise<void> {
  const { disk, paths, supervisor, sockets, logs, log } = options;
  const runs = await findRuns(disk, paths);
  const current = chooseCurrent(runs);
  for (const found of runs) {
    if (found.kind === 'incomplete') supervisor.reserveRun(found.name, found.run);
    // One that cannot be cleared away must not keep all others from being supervised; its next start meets it again.
    await clearAway(options, current, found).catch((error: Error) =>
      log.error(`${found.files.bundle}: ${error.message}`),
    );
  }
  for (const found of current.values()) {
    const { record, files } = found;
    supervisor.adopt({
      record,
      files,
      readySinceWallMs: await readySinceWallMs(disk, record, files),
      stopOrder: await stopOrder(disk, files),
    });
    logs.adopt(record);
    sockets.recover(record.name, record.run, await holders(found));
    log.info(`${record.name} found`, { pid: record.pid, run: record.run });
  }
  logs.adoptedAll();
  for (const rest of await findRests(disk, paths)) {
    // Older than the run that followed it.
    if ((current.get(rest.name)?.record.run ?? 0) < rest.nextRun) supervisor.adoptRest(rest);
  }
  await sweepEmpty(paths);
}
