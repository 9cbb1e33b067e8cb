import { type Fetched, fetchJson } from '../adapters/http-client.ts';
import type { VerwalterNode } from './node.ts';
import { schedulerPeers } from './scheduler-input.ts';

/** Set on a request that another node passed on: it is answered here or refused, so two confused nodes cannot play ping-pong. */
export const FORWARDED = 'x-verwalter-forwarded';
const ANSWER_BYTES_MAX = 65_536;

/** `ip:port` of the leader, when it is another node and known. */
export function leaderAddress(node: Pick<VerwalterNode, 'election' | 'context'>): string | null {
  const { leader } = node.election;
  if (leader === null) return null;
  return schedulerPeers(node.election, node.context.options.port)[leader]?.addr ?? null;
}

/** Posts `body` to the leader, marked as passed on; undefined when there is no leader to pass it to. */
export async function passToLeader(
  node: Pick<VerwalterNode, 'election' | 'context'>,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<Fetched | undefined> {
  const address = leaderAddress(node);
  if (address === null) return undefined;
  return fetchJson(`http://${address}${path}`, {
    body,
    timeoutMs,
    maxBytes: ANSWER_BYTES_MAX,
    headers: { [FORWARDED]: '1' },
    isPatient: true,
  });
}
