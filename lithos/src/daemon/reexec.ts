// The upgrade in place, decided upon: refused while the new program could not go on.
import { accessSync, rmSync } from 'node:fs';
import { realDisk } from '@suite/shared/ports/real.ts';
import { claimPidFile } from '../adapters/pid-file.ts';
import { replaceProgram } from './replace.ts';
import type { SignalQueue } from './signals.ts';
import { readMaster } from './surroundings.ts';
import type { Parts, Surroundings } from './wiring.ts';

/** Starts that are under way get this long before a re-exec cuts them short (they would be cleared away and repeated). */
const EXEC_DRAIN_MS = 5_000;

/** Why the new program could not start; undefined when it can. */
async function obstacle(config: string, pidFile: string): Promise<string | undefined> {
  try {
    await readMaster(config);
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
  const refused = await obstacle(options.config, pidFile);
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
