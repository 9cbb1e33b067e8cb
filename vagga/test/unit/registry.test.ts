// Conversations with a registry that a real one has only on bad days: busy, lying, asking for odd logins.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { Registry } from '../../src/adapters/registry/client.ts';
import type { Credentials } from '../../src/adapters/registry/credentials.ts';

const MANIFEST = '{"schemaVersion":2}';
const DIGEST = `sha256:${createHash('sha256').update(MANIFEST).digest('hex')}`;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answers: Answer[] = [];
const asked: string[] = [];
const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (_request, response) =>
    void response.writeHead(code, headers).end(body);
const good = status(200, {}, MANIFEST);

const server = createServer((request, response) => {
  let body = '';
  request.on('data', chunk => {
    body += chunk;
  });
  request.on('end', () => {
    asked.push([request.method, request.url, request.headers.authorization, body].filter(Boolean).join(' '));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  });
});

let host = '';
t.before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
t.beforeEach(() => {
  asked.length = 0;
});
t.teardown(() => {
  server.close();
  server.closeAllConnections();
});

function registry(credentials?: Credentials): Registry {
  const { signal } = new AbortController();
  const options = { proxies: {}, signal, tlsVerify: true, credentials, retryMs: 1 };
  return new Registry({ registry: host, repository: 'a/b', tag: '1' }, options);
}

t.test('a busy registry is asked again, not for ever', async t => {
  answers = [status(503), status(429), good];
  t.equal((await registry().manifest('1')).digest, DIGEST);
  t.equal(asked.length, 3);
  asked.length = 0;
  answers = [status(500)];
  await t.rejects(registry().manifest('1'), { message: `${host}/a/b:1: the registry answered 500` });
  t.equal(asked.length, 3);
  answers = [(_request, response) => void response.socket?.destroy()];
  await t.rejects(registry().manifest('1'), /^127.*\/a\/b:1: /);
  answers = [status(429)];
  await t.rejects(registry().manifest('1'), /wants no more requests from here/);
});

t.test('what it gives must be what was asked for', async t => {
  answers = [good];
  await t.rejects(
    registry().manifest(`sha256:${'0'.repeat(64)}`),
    /gave sha256:[0-9a-f]+ instead of sha256:000/,
  );
  answers = [status(200, { 'docker-content-digest': `sha256:${'1'.repeat(64)}` }, MANIFEST)];
  await t.rejects(registry().manifest('1'), /instead of sha256:111/);
  answers = [status(200, {}, 'x'.repeat(5 << 20))];
  await t.rejects(registry().manifest('1'), /longer than 4194304 bytes/);
  answers = [status(404)];
  await t.rejects(registry().manifest('1'), /there is no such image, or it needs a login/);
});

t.test('tokens: anonymous, by password, by identity token, in both spellings', async t => {
  const challenge = {
    'www-authenticate': `Bearer realm="http://${host}/token",service="s",scope="repository:a/b:pull"`,
  };
  const token = status(200, {}, '{"access_token": "given"}');
  answers = [status(401, challenge), token, good, good];
  const anonymous = registry();
  await anonymous.manifest('1');
  await anonymous.manifest('1');
  t.same(asked, [
    'GET /v2/a/b/manifests/1',
    'GET /token?service=s&scope=repository%3Aa%2Fb%3Apull',
    'GET /v2/a/b/manifests/1 Bearer given',
    'GET /v2/a/b/manifests/1 Bearer given',
  ]);
  t.match(await anonymous.blobRequest(DIGEST), {
    url: `http://${host}/v2/a/b/blobs/${DIGEST}`,
    headers: { authorization: 'Bearer given' },
  });
  asked.length = 0;
  answers = [status(401, challenge), token, good];
  await registry({ kind: 'password', user: 'me', password: 'x' }).manifest('1');
  t.equal(asked[1], 'GET /token?service=s&scope=repository%3Aa%2Fb%3Apull Basic bWU6eA==');
  asked.length = 0;
  answers = [status(401, challenge), token, good];
  await registry({ kind: 'identity-token', token: 'long-lived' }).manifest('1');
  t.match(
    asked[1] ?? '',
    /^POST \/token grant_type=refresh_token&refresh_token=long-lived&client_id=vagga&service=s/,
  );
  answers = [status(401, challenge), status(403)];
  await t.rejects(registry().manifest('1'), /refuses access \(403\); log in with: podman login 127/);
  answers = [status(401, { 'www-authenticate': 'Negotiate' }), status(401)];
  await t.rejects(registry().manifest('1'), /refuses access \(401\)/);
});
