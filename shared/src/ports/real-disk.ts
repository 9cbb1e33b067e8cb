import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Disk, FileTooLarge, type WriteOptions } from './disk.ts';

/** Files of /proc and /sys say size 0, so reading goes on until the end, in steps of this size. */
const READ_STEP_BYTES = 65536;

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function readAll(file: FileHandle, status: Stats, path: string, maxBytes: number): Promise<Buffer> {
  // A directory has a size too; reading it gives the better error.
  const size = status.isFile() ? status.size : 0;
  if (size > maxBytes) throw new FileTooLarge(path, maxBytes);
  let buffer = Buffer.allocUnsafe(size > 0 ? size + 1 : READ_STEP_BYTES);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
    if (length > maxBytes) throw new FileTooLarge(path, maxBytes);
    if (length === buffer.length) buffer = Buffer.concat([buffer], length + READ_STEP_BYTES);
  }
}

async function readBytes(path: string, maxBytes: number): Promise<Buffer | undefined> {
  // Opening a pipe nobody writes to would wait for ever, and a thread of the pool with it.
  const file = await unlessAbsent(open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (file === undefined) return undefined;
  try {
    const status = await file.stat();
    if (status.isFIFO()) throw new Error(`${path}: a pipe, not a file`);
    return await readAll(file, status, path, maxBytes);
  } finally {
    await file.close();
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeTemporary(path: string, data: string | Uint8Array, options: WriteOptions): Promise<void> {
  const file = await open(path, 'wx', options.mode ?? 0o644);
  try {
    await file.writeFile(data);
    // The umask cuts the mode given to open; a secret file asked for 0600 is unaffected, a shared one is not.
    await file.chmod(options.mode ?? 0o644);
    if (options.fsync) await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  // The dot and the suffix keep directory readers (sandbox configs, includes) from taking it for a real file.
  // Random, not the pid: two containers that share a directory have the same pids, and the same ones at every start.
  const temporary = `${dirname(path)}/.${randomBytes(8).toString('hex')}.tmp`;
  try {
    await writeTemporary(temporary, data, options);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (options.fsync) await flushDirectory(dirname(path));
}

export const realDisk: Disk = {
  readBytes,
  readText: async (path, maxBytes) => (await readBytes(path, maxBytes))?.toString('utf8'),
  writeAtomic,
  list: async directory => (await unlessAbsent(readdir(directory)))?.sort(),
  remove: async path => await rm(path, { recursive: true, force: true }),
  makeDirectory: async (path, mode = 0o755) => {
    await mkdir(path, { recursive: true, mode });
  },
  rename,
};
