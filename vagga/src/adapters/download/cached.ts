// Files by address: of the project, of an external volume, or downloaded once into the cache. A checksum that is given
// is checked every time, also for what was in the cache.
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, fsyncSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_LOCK_WAIT_S, DOWNLOAD_NAME_BYTES_MAX } from '../../config/defaults.ts';
import { inRoot } from '../build/in-root.ts';
import { takeLock } from '../build/lock.ts';
import { dropPart, fetchFile } from './fetch.ts';
import type { ProxyVariables } from './proxies.ts';

export interface DownloadContext {
  /** The project; addresses that start with `.` are below it. */
  readonly projectRoot: string;
  readonly externalVolumes: Readonly<Record<string, string>>;
  /** `downloads` in the cache directory. */
  readonly directory: string;
  readonly proxies: ProxyVariables;
  readonly signal: AbortSignal;
  /** What is happening, as a line. */
  readonly say: (text: string) => void;
  /** Pause after the first failure. */
  readonly retryMs?: number;
}

export interface Wanted {
  /** The first that works counts. */
  readonly urls: readonly [string, ...string[]];
  /** Any beginning of it. */
  readonly sha256?: string;
  /** Fetched anew even when it is in the cache. */
  readonly refresh?: boolean;
}

const PROGRESS_EVERY_BYTES = 4 * 1024 * 1024;

/** First digits of the checksum, else of that of the address, and the name of the file. */
export function cacheName(url: string, sha256: string | undefined): string {
  const digits = sha256 !== undefined && sha256.length >= 8 ? sha256 : digestOf(url);
  const name = url.slice(url.lastIndexOf('/') + 1) || 'file.bin';
  const isLong = Buffer.byteLength(name) > DOWNLOAD_NAME_BYTES_MAX;
  const short = isLong ? name.replace(/[^ -~]/g, '_').slice(0, DOWNLOAD_NAME_BYTES_MAX) : name;
  return `${digits.slice(0, 8)}-${short}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function fileDigest(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk);
  return digest.digest('hex');
}

/** Undefined when it is the file that was meant. */
async function mismatch(path: string, sha256: string | undefined): Promise<string | undefined> {
  if (sha256 === undefined) return undefined;
  const found = await fileDigest(path);
  return found.startsWith(sha256) ? undefined : `Hashsum mismatch: expected ${sha256} but was ${found}`;
}

/** Host path of `./x` and `/volumes/NAME/x`; undefined for everything that must be downloaded. */
export function localPath(
  context: Pick<DownloadContext, 'projectRoot' | 'externalVolumes'>,
  url: string,
): string | undefined {
  if (url.startsWith('.')) return inRoot(context.projectRoot, url);
  if (!url.startsWith('/volumes/')) return undefined;
  const [name = '', ...rest] = url.slice('/volumes/'.length).split('/');
  const volume = context.externalVolumes[name];
  if (volume === undefined)
    throw new Error(`external volume "${name}" is not defined in the settings: ${url}`);
  return rest.length === 0 ? volume : inRoot(volume, rest.join('/'));
}

async function local(path: string, url: string, sha256: string | undefined): Promise<string> {
  if (!existsSync(path)) throw new Error(`file "${url}" does not exist`);
  const wrong = await mismatch(path, sha256);
  if (wrong !== undefined) throw new Error(`Error when checking hashsum for file "${url}": ${wrong}`);
  return path;
}

async function fetchFirst(context: DownloadContext, wanted: Wanted, file: string): Promise<void> {
  const failures: string[] = [];
  for (const url of wanted.urls) {
    context.say(`Downloading ${withoutPassword(url)}`);
    let saidAt = 0;
    const onProgress = (bytes: number, total: number | undefined) => {
      if (bytes - saidAt < PROGRESS_EVERY_BYTES) return;
      saidAt = bytes;
      context.say(`${mib(bytes)}${total === undefined ? '' : ` of ${mib(total)}`} MiB`);
    };
    try {
      await fetchFile({ ...context, url, part: `${file}.part`, onProgress });
      return;
    } catch (error) {
      if (context.signal.aborted) throw new Error('was interrupted');
      failures.push((error as Error).message);
    }
  }
  const from = JSON.stringify(wanted.urls.map(withoutPassword)).replaceAll('","', '", "');
  throw new Error(`Error downloading file "${file}" from ${from}: ${failures.join('; ')}`);
}

const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);

function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^/@:]*):[^/@]*@/, '$1@');
}

function flushFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function fetchVerified(context: DownloadContext, wanted: Wanted, file: string): Promise<void> {
  const part = `${file}.part`;
  await fetchFirst(context, wanted, file);
  const wrong = await mismatch(part, wanted.sha256);
  if (wrong !== undefined) {
    dropPart(part);
    throw new Error(wrong);
  }
  // Without a checksum nobody would notice later that a power cut has torn it.
  if (wanted.sha256 === undefined) flushFile(part);
  renameSync(part, file);
}

/** Host path of the file, which nobody changes (a refresh replaces it). Throws a sentence for the user. */
async function downloaded(context: DownloadContext, wanted: Wanted): Promise<string> {
  mkdirSync(context.directory, { recursive: true });
  const file = join(context.directory, cacheName(wanted.urls[0], wanted.sha256));
  const lock = await takeLock(`${file}.lock`, CACHE_LOCK_WAIT_S, context.signal);
  if (lock === 'busy') {
    throw new Error(
      context.signal.aborted ? 'was interrupted' : `${file} is being downloaded by another build`,
    );
  }
  if (lock instanceof Error) throw lock;
  try {
    const isThere = !wanted.refresh && existsSync(file);
    const wrong = isThere ? await mismatch(file, wanted.sha256) : 'absent';
    if (isThere && wrong !== undefined) context.say(`${file} is damaged, downloading it again`);
    if (wrong !== undefined) await fetchVerified(context, wanted, file);
  } finally {
    await lock.release();
  }
  return file;
}

/** Host path of what an `url:` of the config names. Throws a sentence for the user. */
export async function fileOf(context: DownloadContext, wanted: Wanted): Promise<string> {
  const [url] = wanted.urls;
  const path = localPath(context, url);
  return path === undefined ? await downloaded(context, wanted) : await local(path, url, wanted.sha256);
}
