import type { IncomingMessage } from 'node:http';
import { FORWARD_TIMEOUT_MS, WAIT_ACTION_MS } from '../../config/defaults.ts';
import type { Json } from '../../core/scheduler/engine.ts';
import { FORWARDED, leaderAddress, passToLeader } from '../forward.ts';
import type { VerwalterNode } from '../node.ts';
import { schedulerPeers } from '../scheduler-input.ts';
import { type Reply, readBody, refuse } from './reply.ts';

/** `POST /v1/action` and `/v1/wait_action`: taken by the leader; any other node passes the action on to it. */
export async function postAction(
  node: VerwalterNode,
  request: IncomingMessage,
  wait: boolean,
): Promise<Reply> {
  const body = await readBody(request);
  if (!('value' in body)) return body;
  if (!node.election.isLeader) return forward(node, request, body.value, wait);
  const id = node.actions.add(body.value as Json);
  if (id === undefined) return refuse(429, 'too many actions');
  node.context.log.info(`action ${id} from ${request.socket.remoteAddress}:${request.socket.remotePort}`, {
    action: JSON.stringify(body.value),
  });
  node.shared.count('actions_executed');
  node.shared.changed();
  if (!wait) return { json: { registered: id } };
  const outcome = await node.actions.wait(id);
  return outcome === 'done'
    ? { empty: 204 }
    : refuse(503, 'this node is no leader any more, or its scheduler fails');
}

async function forward(
  node: VerwalterNode,
  request: IncomingMessage,
  body: unknown,
  wait: boolean,
): Promise<Reply> {
  const address = leaderAddress(node);
  if (request.headers[FORWARDED] !== undefined) return notLeader(address);
  const timeoutMs = FORWARD_TIMEOUT_MS + (wait ? WAIT_ACTION_MS : 0);
  const answer = await passToLeader(node, `/v1/${wait ? 'wait_action' : 'action'}`, body, timeoutMs);
  if (answer === undefined) return notLeader(address);
  if (answer.ok)
    return answer.status === 204 ? { empty: 204 } : { json: answer.value, status: answer.status };
  if (answer.status === undefined || answer.status === 503) {
    return { status: 503, json: { error: `the leader did not take it: ${answer.error}`, leader: address } };
  }
  return refuse(answer.status, answer.error);
}

function notLeader(address: string | null): Reply {
  return {
    status: 503,
    json: {
      error: address === null ? 'there is no leader now' : 'this node is not the leader',
      leader: address,
    },
  };
}

/** `/v1/action_is_pending/ID`. */
export function actionIsPending(node: VerwalterNode, id: string | undefined): Reply {
  if (id === undefined || !/^\d{1,16}$/.test(id)) return refuse(404, 'an action id is a number');
  return { json: { pending: node.actions.isPending(Number(id)) } };
}

/** `/v1/leader-redirect-by-node-name`. */
export function leaderRedirect(node: VerwalterNode): Reply {
  const { options } = node.context;
  const id = node.election.leader;
  const peer = id === null ? undefined : schedulerPeers(node.election, options.port)[id];
  const name = id === options.machineId ? options.name : peer?.name;
  if (name === undefined) return refuse(404, 'there is no leader now');
  return { empty: 308, headers: { location: `http://${name}:${options.port}/` } };
}
