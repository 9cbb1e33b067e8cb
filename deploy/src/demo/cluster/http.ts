// Questions to the demo's daemons over its bridge: small answers, short patience, no connection kept.
import { request } from 'node:http';
import { LIMITS_MS } from '../defaults.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface AskOptions {
  readonly timeoutMs?: number;
  readonly post?: unknown;
}

const BODY_BYTES_MAX = 8 * 1024 * 1024;

/** Undefined when nobody answers in time. */
export function ask(url: string, options: AskOptions = {}): Promise<Answer | undefined> {
  const body = options.post === undefined ? undefined : JSON.stringify(options.post);
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const timeoutMs = options.timeoutMs ?? LIMITS_MS.request;
  return new Promise(resolve => {
    const question = request(
      url,
      { method: body === undefined ? 'GET' : 'POST', agent: false, headers },
      answer => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > BODY_BYTES_MAX) question.destroy();
          else chunks.push(chunk);
        });
        answer.on('end', () => {
          clearTimeout(timer);
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          });
        });
        answer.on('error', () => resolve(undefined));
      },
    );
    const timer = setTimeout(() => question.destroy(), timeoutMs);
    question.on('error', () => resolve(undefined));
    question.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    question.end(body);
  });
}

/** Undefined when there is no answer, no 200, or no JSON. */
export async function askJson<T>(url: string, options: AskOptions = {}): Promise<T | undefined> {
  const answer = await ask(url, options);
  if (answer?.status !== 200) return undefined;
  try {
    return JSON.parse(answer.body) as T;
  } catch {
    return undefined;
  }
}
