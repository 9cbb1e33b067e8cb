// One query answered by the whole cluster: the rules go to every reachable peer, the answers come back by host.
import { request } from 'node:http';
import type {
  CantalPeer,
  QueryReply,
  QueryRequest,
  RemoteHostAnswer,
  RemoteQueryReply,
} from '@suite/shared/wire/cantal.ts';
import { HTTP } from '../config/defaults.ts';

function parseReply(text: string): QueryReply | undefined {
  try {
    const reply = JSON.parse(text) as Partial<QueryReply> | null;
    return typeof reply?.values === 'object' ? { values: reply.values } : undefined;
  } catch {
    return undefined;
  }
}

function fetchReply(address: string, body: string): Promise<QueryReply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `http://${address}/query.json`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        signal: AbortSignal.timeout(HTTP.remoteQueryMs),
      },
      answer => {
        const chunks: Buffer[] = [];
        let length = 0;
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > HTTP.remoteReplyBytes) answer.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const reply =
            answer.statusCode === 200 ? parseReply(Buffer.concat(chunks).toString('utf8')) : undefined;
          if (reply === undefined) reject(new Error(`status ${answer.statusCode}, no usable answer`));
          else resolve(reply);
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function askPeer(peer: CantalPeer, body: string): Promise<RemoteHostAnswer> {
  if (peer.primary_addr === null || !peer.reachable) return { name: peer.name, error: 'not reachable' };
  try {
    return { name: peer.name, values: (await fetchReply(peer.primary_addr, body)).values };
  } catch (error) {
    return { name: peer.name, error: error instanceof Error ? error.message : String(error) };
  }
}

export interface RemoteSelf {
  readonly id: string;
  readonly name: string;
  readonly values: QueryReply['values'];
}

/** Never fails as a whole: a host that does not answer in time has an error in its place. */
export async function queryByHost(
  query: QueryRequest,
  self: RemoteSelf,
  peers: readonly CantalPeer[],
): Promise<RemoteQueryReply> {
  const body = JSON.stringify(query);
  const hosts: Record<string, RemoteHostAnswer> = {
    [self.id]: { name: self.name, values: self.values },
  };
  const waiting = [...peers];
  const ask = async (): Promise<void> => {
    for (let peer = waiting.pop(); peer !== undefined; peer = waiting.pop())
      hosts[peer.id] = await askPeer(peer, body);
  };
  await Promise.all(Array.from({ length: HTTP.remoteParallel }, ask));
  return { hosts };
}
