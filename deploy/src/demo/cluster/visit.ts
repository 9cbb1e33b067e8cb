// Visits to the page through nginx, and to one worker directly.
import { PORTS } from '../defaults.ts';
import type { Sample } from './health.ts';
import { ask } from './http.ts';

/** Two rounds over ten workers: round robin shows every one of them. */
const SAMPLE_REQUESTS = 20;

/** Undefined when nginx does not answer at all. */
export async function sample(nginxAddress: string): Promise<Sample | undefined> {
  const hosts = new Set<string>();
  let failed = 0;
  for (let made = 0; made < SAMPLE_REQUESTS; made++) {
    const answer = await ask(`http://${nginxAddress}:${PORTS.nginx}/`);
    if (answer === undefined && made === 0) return undefined;
    if (answer?.status === 200) hosts.add(workerHost(answer.headers['x-demo-worker']));
    else failed++;
  }
  return { requests: SAMPLE_REQUESTS, failed, hosts: [...hosts].sort() };
}

/** `jupyter/django/worker.3` → `jupyter`. */
function workerHost(header: string | string[] | undefined): string {
  return String(header ?? '').split('/')[0] ?? '';
}

/** Names one life of the worker on this port; undefined while it does not serve. */
export async function workerLife(
  address: string,
  port: number,
  timeoutMs: number,
): Promise<string | undefined> {
  const answer = await ask(`http://${address}:${port}/`, { timeoutMs });
  return answer?.status === 200 ? String(answer.headers['x-demo-started'] ?? '') : undefined;
}
