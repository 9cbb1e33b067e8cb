// Which URL does what. Every name works with and without its suffix.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AllPeers, AllProcesses, QueryReply, QueryRequest } from '@suite/shared/wire/cantal.ts';
import { isAddress } from '@suite/shared/wire/gossip.ts';
import findMyWay from 'find-my-way';
import { evaluateCbor, evaluateJson } from '../core/query/evaluate.ts';
import { parseQuery, QueryError } from '../core/query/parse.ts';
import type { Agent } from './agent.ts';
import type { Asset } from './assets.ts';
import { prometheusText } from './prometheus.ts';
import { queryByHost } from './remote.ts';
import { HttpError, readJson, send, sendError, sendJson } from './reply.ts';
import { inSlices } from './slices.ts';
import { statusOf } from './status.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

async function readQuery(request: IncomingMessage): Promise<QueryRequest> {
  return parseQuery(await readJson(request));
}

async function addHost(agent: Agent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await readJson(request)) as { addr?: unknown } | null;
  const address = body?.addr;
  if (typeof address !== 'string' || !isAddress(address)) {
    throw new HttpError(400, 'no usable "addr"', '{"addr": "10.0.0.7:22682"}: IPv4 and port, no host names');
  }
  agent.gossip?.addHost(address);
  sendJson(response, { ok: true });
}

async function remoteQuery(agent: Agent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = await readQuery(request);
  const { id, name } = agent.identity;
  const values = JSON.parse(await inSlices(evaluateJson(query, agent.scanner))) as QueryReply['values'];
  sendJson(response, await queryByHost(query, { id, name, values }, agent.gossip?.peers() ?? []));
}

function table(
  agent: Agent,
): readonly (readonly [method: 'GET' | 'POST', name: string, suffix: string, Handler])[] {
  const { scanner } = agent;
  return [
    ['GET', '/status', '.json', (_, response) => sendJson(response, statusOf(agent))],
    [
      'GET',
      '/all_processes',
      '.json',
      (_, response) => {
        const { processes } = scanner;
        sendJson(response, {
          boot_time: processes.bootTime ?? null,
          all: processes.table(),
        } satisfies AllProcesses);
      },
    ],
    [
      'GET',
      '/all_peers',
      '.json',
      (_, response) => sendJson(response, { peers: agent.gossip?.peers() ?? [] } satisfies AllPeers),
    ],
    [
      'GET',
      '/metrics',
      '.txt',
      (_, response) =>
        send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', prometheusText(scanner)),
    ],
    [
      'POST',
      '/query',
      '.cbor',
      async (request, response) =>
        send(
          response,
          200,
          'application/cbor',
          Buffer.concat(await inSlices(evaluateCbor(await readQuery(request), scanner))),
        ),
    ],
    [
      'POST',
      '/query',
      '.json',
      async (request, response) => {
        const values = await inSlices(evaluateJson(await readQuery(request), scanner));
        send(response, 200, 'application/json', `{"values":${values}}`);
      },
    ],
    ['POST', '/remote/query_by_host', '.json', (request, response) => remoteQuery(agent, request, response)],
    ['POST', '/add_host', '.json', (request, response) => addHost(agent, request, response)],
  ];
}

/** Endpoints that older cantals had and this one lacks: a clear answer beats an index page. */
const UNAVAILABLE = [
  '/all_sockets.json',
  '/all_metrics.cbor',
  '/peers_with_remote.json',
  '/graphql',
  '/start_remote.json',
  '/remote_stats.json',
  '/remote/mem_info.json',
  '/remote/query_by_host.cbor',
];

const NOT_BUILT = `cantal answers here, but its web page is not built.

  npm run build        builds it
  /status.json         this agent
  /all_processes.json  processes
  /all_peers.json      the cluster
  /metrics             Prometheus text
`;

function sendAsset(request: IncomingMessage, response: ServerResponse, asset: Asset): void {
  response.setHeader('etag', asset.etag);
  if (request.headers['if-none-match'] === asset.etag) {
    response.writeHead(304);
    response.end();
    return;
  }
  // Names of bundles carry a hash, the page itself does not: always ask, mostly get 304.
  response.writeHead(200, {
    'content-type': asset.type,
    'content-length': asset.body.length,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : asset.body);
}

/** Files of the UI; other paths belong to its own navigation and get the page. */
async function staticFile(agent: Agent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodePath(request.url ?? '/');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new HttpError(
      405,
      `${request.method} is not possible on ${path}`,
      'see docs/http.md for the endpoints',
    );
  }
  const asset = (await agent.assets.find(path)) ?? (await agent.assets.find('/'));
  if (asset === undefined) send(response, 200, 'text/plain; charset=utf-8', NOT_BUILT);
  else sendAsset(request, response, asset);
}

function decodePath(url: string): string {
  try {
    return decodeURIComponent(url.split('?', 1)[0] as string);
  } catch {
    throw new HttpError(400, 'the address is not valid', 'percent signs must encode UTF-8');
  }
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof QueryError) return new HttpError(400, error.message, error.hint);
  const message = error instanceof Error ? error.message : String(error);
  return new HttpError(500, message, 'this is a bug of cantal; the log has more');
}

/** The request listener. Every failure becomes {error, hint}. */
export function createListener(agent: Agent): (request: IncomingMessage, response: ServerResponse) => void {
  const guarded = (handler: Handler) => (request: IncomingMessage, response: ServerResponse) => {
    Promise.resolve()
      .then(() => handler(request, response))
      .catch((error: unknown) => {
        const failure = toHttpError(error);
        if (failure.status === 500) agent.log.error(`${request.url}: ${failure.message}`);
        sendError(response, failure);
      });
  };
  const router = findMyWay({
    defaultRoute: guarded((request, response) => staticFile(agent, request, response)),
    onBadUrl: (_, request, response) => {
      guarded(() => void decodePath('%'))(request as IncomingMessage, response as ServerResponse);
    },
  });
  for (const [method, name, suffix, handler] of table(agent)) {
    const names = router.hasRoute(method, name) ? [`${name}${suffix}`] : [name, `${name}${suffix}`];
    for (const path of names) router.on(method, path, guarded(handler));
  }
  for (const path of UNAVAILABLE) {
    const handler = guarded(() => {
      throw new HttpError(
        501,
        `${path} is not available yet`,
        'see docs/http.md for the endpoints there are',
      );
    });
    router.on(['GET', 'POST'], path, handler);
  }
  return (request, response) => router.lookup(request, response);
}
