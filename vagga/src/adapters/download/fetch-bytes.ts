// Small things from servers, whole in memory: indexes, keys, package tools.
import { request } from './http.ts';
import type { ProxyVariables } from './proxies.ts';

export interface Asking {
  readonly proxies: ProxyVariables;
  readonly signal: AbortSignal;
}

export type Fetched =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** The server answered with something else than success. */
  | { readonly kind: 'refused'; readonly status: number }
  /** Nobody answered, or not to the end. */
  | { readonly kind: 'failed'; readonly message: string };

async function read(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytesMax) throw new Error(`the answer has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function fetchBytes(url: string, bytesMax: number, asking: Asking): Promise<Fetched> {
  try {
    const answer = await request(url, asking);
    const status = answer.statusCode ?? 0;
    if (status === 200) return { kind: 'bytes', bytes: await read(answer, bytesMax) };
    answer.destroy();
    return { kind: 'refused', status };
  } catch (error) {
    return { kind: 'failed', message: (error as Error).message };
  }
}

/** Why there are no bytes, for the user. */
export function fetchProblem(url: string, fetched: Exclude<Fetched, { kind: 'bytes' }>): string {
  return fetched.kind === 'refused'
    ? `${url}: the server answered ${fetched.status}`
    : `${url}: ${fetched.message}`;
}
