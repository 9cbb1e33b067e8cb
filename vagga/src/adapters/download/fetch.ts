// One file over HTTP into `FILE.part`: tried again after failures, continued where the server can.
import { createWriteStream, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOWNLOAD_ATTEMPTS, DOWNLOAD_BYTES_MAX, DOWNLOAD_RETRY_MS } from '../../config/defaults.ts';
import { request } from './http.ts';
import type { ProxyVariables } from './proxies.ts';

export interface Fetch {
  readonly url: string;
  readonly part: string;
  readonly proxies: ProxyVariables;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tlsVerify?: boolean;
  readonly retryMs?: number;
  /** Of the whole file; longer ones are refused. */
  readonly bytesMax?: number;
  /** What is happening, as a line. */
  readonly say?: (text: string) => void;
  /** Bytes that are there and bytes in all (undefined: the server does not say). */
  readonly onProgress: (bytes: number, totalBytes: number | undefined) => void;
}

/** The server's answer is final: asking again would not help. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

/** Beside the `.part`: what it is the beginning of. */
interface Origin {
  readonly url: string;
  readonly validator: string;
}

const originFile = (part: string): string => `${part}.from`;

function readOrigin(fetch: Fetch): { origin: Origin; bytes: number } | undefined {
  try {
    const origin = JSON.parse(readFileSync(originFile(fetch.part), 'utf8')) as Origin;
    const bytes = statSync(fetch.part).size;
    return origin.url === fetch.url && bytes > 0 && typeof origin.validator === 'string'
      ? { origin, bytes }
      : undefined;
  } catch {
    return undefined;
  }
}

/** What proves that the rest belongs to the beginning; weak tags do not. */
function validatorOf(answer: IncomingMessage): string | undefined {
  const { etag, 'last-modified': modified } = answer.headers;
  return etag !== undefined && !etag.startsWith('W/') ? etag : modified;
}

export function dropPart(part: string): void {
  for (const path of [part, originFile(part)]) rmSync(path, { force: true });
}

async function attempt(fetch: Fetch): Promise<void> {
  const begun = readOrigin(fetch);
  const range: Record<string, string> =
    begun === undefined ? {} : { range: `bytes=${begun.bytes}-`, 'if-range': begun.origin.validator };
  const answer = await request(fetch.url, { ...fetch, headers: { ...fetch.headers, ...range } });
  const status = answer.statusCode ?? 0;
  const continues =
    status === 206 && answer.headers['content-range']?.startsWith(`bytes ${begun?.bytes}-`) === true;
  if (status !== 200 && !continues) {
    answer.destroy();
    if (begun !== undefined) dropPart(fetch.part);
    // With a beginning that does not fit any more, the next attempt asks for all of it.
    if (begun !== undefined || status >= 500 || status === 429 || status === 408) {
      throw new Error(`the server answered ${status}`);
    }
    throw new Refused(status);
  }
  await receive(fetch, answer, continues ? (begun?.bytes ?? 0) : 0);
}

async function receive(fetch: Fetch, answer: IncomingMessage, from: number): Promise<void> {
  const length = answer.headers['content-length'];
  const total = length === undefined ? undefined : from + Number(length);
  const { bytesMax = DOWNLOAD_BYTES_MAX } = fetch;
  if (total !== undefined && total > bytesMax) {
    answer.destroy();
    throw new Error(`the file has more than ${bytesMax} bytes`);
  }
  if (from === 0) {
    const validator = validatorOf(answer);
    dropPart(fetch.part);
    if (validator !== undefined)
      writeFileSync(originFile(fetch.part), JSON.stringify({ url: fetch.url, validator } satisfies Origin));
  }
  let bytes = from;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      fetch.onProgress(bytes, total);
      if (bytes > bytesMax) done(new Error(`the file has more than ${bytesMax} bytes`));
      else done(null, chunk);
    },
  });
  const file = createWriteStream(fetch.part, { flags: from === 0 ? 'w' : 'a', mode: 0o644 });
  try {
    await pipeline(answer, counter, file, { signal: fetch.signal });
  } catch (error) {
    // Nothing else is known when the other side goes, or is silent for too long.
    const isCut = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
    throw isCut ? new Error(`the connection broke after ${bytes} bytes`) : error;
  }
}

/** Resolves when `part` is complete; rejects with the last failure. The beginning of a file stays for the next time. */
export async function fetchFile(fetch: Fetch): Promise<void> {
  const retryMs = fetch.retryMs ?? DOWNLOAD_RETRY_MS;
  for (let number = 1; ; number++) {
    let problem = '';
    try {
      await attempt(fetch);
      rmSync(originFile(fetch.part), { force: true });
      return;
    } catch (error) {
      if (fetch.signal.aborted) throw new Error('was interrupted');
      if (error instanceof Refused || number >= DOWNLOAD_ATTEMPTS) throw error;
      problem = (error as Error).message;
    }
    const pauseMs = retryMs * 2 ** (number - 1);
    fetch.say?.(`${problem}: trying again in ${pauseMs / 1000} s (${number + 1} of ${DOWNLOAD_ATTEMPTS})`);
    await sleep(pauseMs, undefined, { signal: fetch.signal });
  }
}
