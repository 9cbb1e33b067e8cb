// The upgrade in place, decided upon: refused while the new program could not go on.
import { accessSync, rmSync } from 'node:fs';
import { realDisk } from '@suite/shared/ports/real.ts';
import type { Master } from '../adapters/load-master.ts';
import { claimPidFile } from '../adapters/pid-file.ts';
import { replaceProgram } from './replace.ts';
import type { SignalQueue } from './signals.ts';
import type { Supervisor } from './supervisor.ts';
import { readMaster } from './surroundings.ts';
import type { Parts, Surroundings } from './wiring.ts';

/** Starts that are under way get this long before a re-exec cuts them short (they would be cleared away and repeated). */
const EXEC_DRAIN_MS = 5_000;

/** Under another of these nobody would know what runs: it would be started a second time. */
function moved(before: Master, after: Master): string | undefined {
  const places = ({ keys, paths }: Master) => ({
    'runtime-dir': paths.runtimeDir,
    'state-dir': paths.stateDir,
    'cgroup-name': keys.cgroupName,
  });
  const [old, now] = [places(before), places(after)];
  const keys = Object.keys(old) as (keyof typeof old)[];
  return keys.find(key => old[key] !== now[key]);
}

/** Why the new program could not start, or would not know what runs; undefined when it can. */
async function obstacle(
  config: string,
  master: Master,
  pidFile: string,
  supervisor: Supervisor,
): Promise<string | undefined> {
  try {
    const key = moved(master, await readMaster(config));
    if (key !== undefined && supervisor.all().length > 0)
      return `\`${key}\` has changed while something runs: stop lithos_tree first (TERM), or change it back`;
    for (const path of [process.execPath, process.argv[1] as string]) accessSync(path);
    // The new program writes at once: better to find out now that the disk is full.
    await realDisk.writeAtomic(pidFile, `${process.pid}\n`);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Same pid, same arguments, new code and master config; what runs is adopted from disk. Returns when it was refused.
 * `watches` stops what looks after children, and starts it again.
 */
export async function reexec(
  { options, log, master }: Surroundings,
  { supervisor, status }: Parts,
  signals: SignalQueue,
  watches: { readonly stop: () => void; readonly start: () => void },
): Promise<void> {
  const { pidFile } = master.paths;
  const refused = await obstacle(options.config, master, pidFile, supervisor);
  if (refused !== undefined) return log.error(`re-exec refused: ${refused}`);
  await supervisor.drain(EXEC_DRAIN_MS);
  await status.flush();
  // The new program would know nothing of it.
  if (signals.isWaiting('stop')) return;
  log.warn('re-exec');
  watches.stop();
  try {
    // Until its handlers are there a signal would end the new program (Node clears the signal mask when it starts, so
    // blocking does not help): without the file lithos_switch sends none, and needs none, because the configuration
    // is read after the file is back.
    rmSync(pidFile, { force: true });
    replaceProgram();
  } catch (error) {
    log.error(`re-exec failed: ${(error as Error).message}`);
    watches.start();
    await claimPidFile(realDisk, pidFile, process.pid);
  }
}
