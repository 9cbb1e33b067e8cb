// The config history: one line per sandbox and configuration read. lithos_clean will decide by it which images may go.
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HISTORY } from '../config/defaults.ts';

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    found => found.size,
    () => 0,
  );
}

/** `.100` goes, `.N` becomes `.N+1`, the file itself `.1`. */
async function rotate(file: string): Promise<void> {
  await rm(`${file}.${HISTORY.files}`, { force: true });
  for (let number = HISTORY.files - 1; number >= 1; number--) {
    await rename(`${file}.${number}`, `${file}.${number + 1}`).catch(() => undefined);
  }
  await rename(file, `${file}.1`);
}

/** Line: `2018-05-04T03:02:01Z {"process":{…}}`. Rejects with the system's error. */
export async function appendHistory(
  directory: string,
  sandbox: string,
  entries: string,
  wallMs: number,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${sandbox}.log`);
  if ((await sizeOf(file)) > HISTORY.maxBytes) await rotate(file);
  const time = new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
  await appendFile(file, `${time} ${entries}\n`);
}
