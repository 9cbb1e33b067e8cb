// The installed process config of one sandbox: replaced atomically, with the one before it kept beside it. All helper
// files are hidden, so that nothing that reads the directory takes them for configurations.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tryLock } from '@suite/shared/linux/flock.ts';
import type { Clock, Disk } from '@suite/shared/ports/index.ts';
import { LIMITS, TIMES } from '../config/defaults.ts';

const PERMISSIONS = 0o777;
/** The orchestrator and lithos_check, run by anybody, may read it. */
const NEW_MODE = 0o644;

function beside(file: string, suffix: string): string {
  return join(dirname(file), `.${basename(file)}.${suffix}`);
}

export function previousFile(file: string): string {
  return beside(file, 'previous');
}

/** The last one that was taken back because it did not work. */
export function refusedFile(file: string): string {
  return beside(file, 'refused');
}

/** One at a time for each file. Throws with a sentence when another one takes too long. */
export async function locked<T>(clock: Clock, file: string, work: () => Promise<T>): Promise<T> {
  const fd = openSync(beside(file, 'lock'), 'a', 0o644);
  const giveUpMs = clock.monotonicMs() + TIMES.switchLockMs;
  try {
    while (!tryLock(fd)) {
      if (clock.monotonicMs() > giveUpMs) throw new Error(`another lithos_switch is at work on ${file}`);
      await new Promise<void>(resolve => clock.after(TIMES.statusDelayMs, resolve));
    }
    return await work();
  } finally {
    closeSync(fd);
  }
}

/** Of the one in place: somebody may have closed it to others. */
async function modeOf(file: string): Promise<number> {
  return await stat(file).then(
    found => found.mode & PERMISSIONS,
    () => NEW_MODE,
  );
}

async function readOr(disk: Disk, file: string): Promise<string | undefined> {
  return await disk.readText(file, LIMITS.configBytes).catch(() => undefined);
}

/** Undefined when there is none, or it cannot be read. */
export async function installedText(disk: Disk, file: string): Promise<string | undefined> {
  return await readOr(disk, file);
}

/** The one that is replaced becomes the previous one. Answers with the previous one of before, for `restore`. */
export async function install(disk: Disk, file: string, text: string): Promise<string | undefined> {
  const [before, older] = [await readOr(disk, file), await readOr(disk, previousFile(file))];
  const mode = await modeOf(file);
  // Without one there is nothing to go back to, least of all to what was in force long ago.
  if (before === undefined) await disk.remove(previousFile(file));
  else await disk.writeAtomic(previousFile(file), before, { fsync: true, mode });
  await disk.writeAtomic(file, text, { fsync: true, mode });
  return older;
}

/**
 * Back to the previous one, if `text` is still what is installed: somebody else may have been quicker. False when
 * nothing was changed. `older` is the previous one again; the refused text is kept for whoever wants to know.
 */
export async function restore(
  disk: Disk,
  file: string,
  text: string,
  older: string | undefined,
): Promise<boolean> {
  const before = await readOr(disk, previousFile(file));
  if (before === undefined || (await readOr(disk, file)) !== text) return false;
  const mode = await modeOf(file);
  await disk.writeAtomic(refusedFile(file), text, { mode });
  await disk.writeAtomic(file, before, { fsync: true, mode });
  if (older === undefined) await disk.remove(previousFile(file));
  else await disk.writeAtomic(previousFile(file), older, { fsync: true, mode });
  return true;
}

const CHUNK_BYTES = 65_536;
const STDIN = 0;

/** Opened anew where possible, so that whoever made it non-blocking does not matter; a socket cannot be. */
function openSource(file: string): number {
  if (file !== '-') {
    if (!existsSync(file)) throw new Error(`${file} does not exist`);
    return openSync(file, 'r');
  }
  try {
    return openSync('/dev/stdin', 'r');
  } catch {
    return STDIN;
  }
}

/** A file, a pipe or (`-`) the standard input, read once to its end. Throws with a sentence. */
export function readOnce(file: string): string {
  const fd = openSource(file);
  const chunks: Buffer[] = [];
  try {
    for (let length = 0; ; ) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const count = readSync(fd, chunk);
      if (count === 0) return Buffer.concat(chunks).toString('utf8');
      length += count;
      if (length > LIMITS.configBytes) throw new Error(`${file}: longer than ${LIMITS.configBytes} bytes`);
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    if (fd !== STDIN) closeSync(fd);
  }
}
