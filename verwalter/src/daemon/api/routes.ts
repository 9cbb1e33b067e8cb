import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { rolesOf, roleVariables } from '../../core/render/merge.ts';
import type { VerwalterNode } from '../node.ts';
import { peerList, statusOf } from '../status.ts';
import { actionIsPending, leaderRedirect, postAction } from './actions.ts';
import { sendFile } from './files.ts';
import { type Format, type Reply, refuse, send } from './reply.ts';

type Handler = (
  node: VerwalterNode,
  rest: readonly string[],
  request: IncomingMessage,
) => Reply | Promise<Reply>;

/** Answers that exist only on a leader, or only once there is a schedule. */
const orMissing = (value: unknown, why: string): Reply =>
  value === null || value === undefined ? refuse(404, why) : { json: value };

const HANDLERS: Readonly<Record<string, Handler>> = {
  status: node => ({ json: statusOf(node) }),
  peers: node => ({ json: peerList(node) }),
  election: node => ({ json: node.election.info() }),
  schedule: (node, [hash]) => {
    const schedule = hash === undefined ? node.shared.known : node.shared.byHash(hash);
    return orMissing(
      schedule,
      hash === undefined ? 'there is no schedule yet' : 'this schedule is not kept here',
    );
  },
  scheduler_input: node => orMissing(node.shared.lastInput, 'only a leader has a scheduler input'),
  scheduler_debug_info: node =>
    node.shared.debugText === null
      ? refuse(404, 'only a leader has a debug text')
      : { text: node.shared.debugText },
  pending_actions: node => ({ json: node.actions.snapshot() }),
  action: (node, _rest, request) => postAction(node, request, false),
  wait_action: (node, _rest, request) => postAction(node, request, true),
  action_is_pending: (node, [id]) => actionIsPending(node, id),
  force_render_all: node => {
    node.apply.force();
    return { json: 'ok' };
  },
  roles_data: node => rolesData(node),
  backups: async node => ({ json: await node.storage.listHistory() }),
  backup: async (node, [name]) => {
    const bytes = await node.storage.readHistory(name ?? '');
    if (bytes === undefined) return refuse(404, 'there is no such backup');
    return { bytes, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } };
  },
  'leader-redirect-by-node-name': node => leaderRedirect(node),
};

/** Paths of the original API that this version does not serve. */
const NOT_YET = new Set(['query', 'graphql', 'graphiql', 'wasm']);
/** Handlers with something after their name; on all others a further path part is an unknown path. */
const WITH_REST = new Set(['schedule', 'action_is_pending', 'backup']);
const CHANGING = new Set(['action', 'wait_action', 'force_render_all']);

function rolesData(node: VerwalterNode): Reply {
  const data = node.apply.current?.data;
  if (data === undefined) return refuse(500, 'no schedule was accepted since the start');
  const { hostname } = node.context.options;
  const roles = rolesOf(data, hostname);
  const common = typeof data.roles === 'object' && data.roles !== null ? Object.keys(data.roles) : [];
  return {
    json: {
      to_render: Object.fromEntries(roles.map(role => [role, roleVariables(data, hostname, role)])),
      all_roles: [...new Set([...common, ...roles])].sort(),
    },
  };
}

/** `status.pretty` → name and format; an unknown suffix means compact JSON. */
function splitSuffix(part: string): { name: string; format: Format } {
  const [name = '', suffix] = part.split('.', 2);
  return { name, format: suffix === 'pretty' || suffix === 'gron' ? suffix : 'compact' };
}

/** `log/global/F`, `log/role/R/F` …: where the file lies below the log directory. */
function logPath(parts: readonly string[]): string | undefined {
  const [kind, ...rest] = parts;
  if (kind === 'index' && rest.length === 1) return join('.index', rest[0] as string);
  if ((kind === 'global' || kind === 'changes') && rest.length === 1)
    return join(`.${kind}`, rest[0] as string);
  return kind === 'role' && rest.length === 2 && !rest[0]?.startsWith('.') ? rest.join('/') : undefined;
}

async function sendLog(
  node: VerwalterNode,
  parts: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { options } = node.context;
  if (parts[0] === 'external') {
    send(response, refuse(501, '/v1/log/external is not available yet'), 'compact', options.version);
    return;
  }
  const path = logPath(parts);
  const sent =
    path !== undefined && (await sendFile(request, response, options.logDir, path, { cacheSeconds: 0 }));
  if (!sent) send(response, refuse(404, 'there is no such log'), 'compact', options.version);
}

/** What changes something is never a GET: a browser that looks ahead at a link would press it. */
function wrongMethod(name: string, request: IncomingMessage): Reply | undefined {
  const wanted = CHANGING.has(name) ? ['POST'] : ['GET', 'HEAD'];
  return wanted.includes(request.method ?? '') ? undefined : refuse(405, `${wanted.join(' or ')} only`);
}

/** Everything below `/v1/`; `parts` are the decoded parts of the path after it. */
export async function serveApi(
  node: VerwalterNode,
  parts: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [first = '', ...rest] = parts;
  if (first === 'log') return sendLog(node, rest, request, response);
  const { name, format } =
    rest.length === 0 ? splitSuffix(first) : { name: first, format: 'compact' as const };
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
  const isKnown = handler !== undefined && (rest.length === 0 || (rest.length === 1 && WITH_REST.has(name)));
  const reply = isKnown
    ? (wrongMethod(name, request) ?? (await handler(node, rest, request)))
    : NOT_YET.has(name)
      ? refuse(501, `/v1/${name} is not available yet`)
      : refuse(404, `there is no /v1/${parts.join('/')}`);
  send(response, reply, format, node.context.options.version);
}
