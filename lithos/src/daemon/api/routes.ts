// The paths of both sockets. They are few, so the table is searched by hand: a router would only cost memory.
//
//   GET   /v1/status  /v1/instances[/NAME]  /v1/sandboxes  /v1/rollouts  /v1/security/NAME  /v1/logs/NAME  /metrics
//   POST  /v1/restart/NAME  /v1/clear-failed[/NAME]  /v1/reload                           only on the control socket
//   WebSocket  /v1/events?since=SEQ                                                                   (stream.ts)
import { LITHOS_LIMITS } from '@suite/shared/wire/lithos.ts';
import { type Answer, json, refusal } from './answer.ts';
import type { Told } from './told.ts';

interface Asked {
  /** What follows the path of the route, without slashes around it; empty for none. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly isRoot: boolean;
}

interface Route {
  readonly method: 'GET' | 'POST';
  /** With a name behind it, without one, or both. */
  readonly names: 'none' | 'needed' | 'allowed';
  readonly answer: (told: Told, asked: Asked) => Answer | Promise<Answer>;
}

const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

function unknownInstance(name: string): Answer {
  return refusal(404, `there is no instance ${name}`);
}

async function logs(told: Told, { name, query, isRoot }: Asked): Promise<Answer> {
  const asked = query.get('tail') ?? String(LITHOS_LIMITS.logLines);
  const lines = Number(asked);
  if (!/^\d+$/.test(asked) || lines > LITHOS_LIMITS.logLines)
    return refusal(400, `tail=${asked}: a whole number up to ${LITHOS_LIMITS.logLines}`);
  if (!told.exists(name)) return unknownInstance(name);
  const found = told.log(name, lines, isRoot);
  return found === null
    ? refusal(403, 'not everybody may read this log: ask the control socket')
    : json({ name, lines: found });
}

const ROUTES: Readonly<Record<string, Route>> = {
  '/v1/status': { method: 'GET', names: 'none', answer: told => json(told.status()) },
  '/v1/instances': {
    method: 'GET',
    names: 'allowed',
    answer(told, { name, isRoot }) {
      if (name === '') return json(told.status().instances);
      const detail = told.instance(name, isRoot);
      return detail === undefined ? unknownInstance(name) : json(detail);
    },
  },
  '/v1/sandboxes': { method: 'GET', names: 'none', answer: told => json(told.status().sandboxes) },
  '/v1/rollouts': { method: 'GET', names: 'none', answer: told => json(told.status().rollouts) },
  '/v1/security': {
    method: 'GET',
    names: 'needed',
    async answer(told, { name }) {
      const facts = await told.security(name);
      return facts === undefined ? unknownInstance(name) : json({ name, facts });
    },
  },
  '/v1/logs': { method: 'GET', names: 'needed', answer: logs },
  '/metrics': {
    method: 'GET',
    names: 'none',
    answer: async told => ({ status: 200, type: PROMETHEUS_TYPE, text: await told.metrics() }),
  },
  '/v1/restart': {
    method: 'POST',
    names: 'needed',
    answer: (told, { name }) => verb(told.restart(name)),
  },
  '/v1/clear-failed': {
    method: 'POST',
    names: 'allowed',
    answer: (told, { name }) => verb(told.clearFailed(name)),
  },
  '/v1/reload': { method: 'POST', names: 'none', answer: async told => json(await told.reload()) },
};

/** 202: it has begun; the events say how it goes on. */
function verb(answer: ReturnType<Told['restart']>): Answer {
  return json(answer, answer.ok ? 202 : 404);
}

/** The longest route the path begins with, and the rest of the path. */
function find(path: string): { route: Route; name: string } | undefined {
  const own = ROUTES[path];
  if (own !== undefined) return own.names === 'needed' ? undefined : { route: own, name: '' };
  const [start = '', ...rest] = path.split(/(?<=^\/v1\/[\w-]+)\//);
  const route = ROUTES[start];
  if (route === undefined || route.names === 'none' || rest.length === 0) return undefined;
  return { route, name: rest.join('/') };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** `isRoot`: asked on the socket only root can open. */
export async function route(told: Told, isRoot: boolean, method: string, url: string): Promise<Answer> {
  const [raw = '', query = ''] = url.split('?', 2);
  const path = decoded(raw);
  if (path === undefined) return refusal(400, 'the path is not valid');
  const found = find(path);
  if (found === undefined) return refusal(404, `there is no ${path}`);
  const { method: wanted } = found.route;
  const same = wanted === 'GET' ? method === 'GET' || method === 'HEAD' : method === wanted;
  if (!same) return { ...refusal(405, `${path} wants ${wanted}`), allow: wanted };
  if (wanted === 'POST' && !isRoot) return refusal(403, 'only on the control socket');
  return await found.route.answer(told, { name: found.name, query: new URLSearchParams(query), isRoot });
}
