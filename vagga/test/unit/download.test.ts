// Downloads against a real HTTP server on loopback that can be told to misbehave.
import { createHash } from 'node:crypto';
import dns from 'node:dns';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { cacheName, type DownloadContext, fileOf } from '../../src/adapters/download/cached.ts';
import { fetchFile } from '../../src/adapters/download/fetch.ts';

const directory = mkdtempSync(join(tmpdir(), 'vagga-download-'));
const DATA = Buffer.from('0123456789'.repeat(20_000));
const PART_BYTES = 50_000;
const SHA256 = createHash('sha256').update(DATA).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const asked: string[] = [];
let answers: Answer[] = [];

const whole: Answer = (_request, response) => {
  response.writeHead(200, { 'content-length': DATA.length, etag: '"one"' }).end(DATA);
};
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(code, headers).end();
/** Promises everything and dies when a part has arrived. */
const broken: Answer = (_request, response) => {
  response.writeHead(200, { 'content-length': DATA.length, etag: '"one"' });
  response.write(DATA.subarray(0, PART_BYTES));
  const dieWhenThere = setInterval(() => {
    const parts = readdirSync(join(directory, 'downloads')).filter(name => name.endsWith('.part'));
    if (!parts.some(name => statSync(join(directory, 'downloads', name)).size === PART_BYTES)) return;
    clearInterval(dieWhenThere);
    response.socket?.destroy();
  }, 5);
};
const rest: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
  const headers = {
    'content-range': `bytes ${from}-${DATA.length - 1}/${DATA.length}`,
    'content-length': DATA.length - from,
  };
  response.writeHead(206, headers).end(DATA.subarray(from));
};

/** The last answer is given again and again. */
const server = createServer((request, response) => {
  const { range, 'if-range': validator, authorization } = request.headers;
  asked.push([request.method, request.url, range, validator, authorization].filter(Boolean).join(' '));
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  (answer ?? whole)(request, response);
});
/** A proxy for https: passes bytes on. */
server.on('connect', (request, socket) => {
  asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
  const [host, port] = (request.url ?? '').split(':');
  const upstream = connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    upstream.pipe(socket).pipe(upstream);
  });
  upstream.on('error', () => socket.destroy());
});

let base = '';
const said: string[] = [];

t.before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
t.teardown(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});
t.beforeEach(() => {
  answers = [whole];
  asked.length = 0;
  said.length = 0;
  rmSync(join(directory, 'downloads'), { recursive: true, force: true });
});

function context(more: Partial<DownloadContext> = {}): DownloadContext {
  return {
    projectRoot: directory,
    externalVolumes: {},
    directory: join(directory, 'downloads'),
    proxies: {},
    signal: new AbortController().signal,
    say: text => said.push(text),
    retryMs: 1,
    ...more,
  };
}

const get = (path: string, more: { sha256?: string; refresh?: boolean } = {}, of = context()) =>
  fileOf(of, { urls: [`${base}${path}`], ...more });

t.test('§2.3 !Download: names in the cache', async t => {
  const gist = 'https://gist.github.com/tailhook/0ee4bb0b1f7fa8b5a9ad5d0c8a4a0c0e/raw/gistfile1.txt';
  const hash = createHash('sha256').update(gist).digest('hex');
  t.equal(cacheName(gist, undefined), `${hash.slice(0, 8)}-gistfile1.txt`);
  t.equal(cacheName('http://x/a.tgz?b=c', 'abcdef0123'), 'abcdef01-a.tgz?b=c', 'the query is part of it');
  t.equal(cacheName('http://x/', 'abcdef0123'), 'abcdef01-file.bin');
  t.match(cacheName('http://x/a', 'abc'), /^[0-9a-f]{8}-a$/, 'a short checksum names nothing');
  t.equal(cacheName(`http://x/${'ä'.repeat(300)}`, 'abcdef0123').length, 209, 'fits a file system');
});

t.test('§2.3 !Download, §9 verify: fetched once, checked every time', async t => {
  const file = await get('/f.bin', { sha256: SHA256.slice(0, 12) });
  t.equal(file, join(directory, 'downloads', `${SHA256.slice(0, 8)}-f.bin`));
  t.same(readFileSync(file), DATA);
  t.equal(await get('/f.bin', { sha256: SHA256 }), file);
  t.equal(asked.length, 1, 'the second time from the cache');
  writeFileSync(file, 'damaged');
  t.same(readFileSync(await get('/f.bin', { sha256: SHA256 })), DATA, 'a damaged copy is fetched anew');
  t.equal(asked.length, 2);
  const wrong = `${SHA256.slice(0, 8)}${'0'.repeat(8)}`;
  await t.rejects(get('/f.bin', { sha256: wrong }), {
    message: `Hashsum mismatch: expected ${wrong} but was ${SHA256}`,
  });
  t.same(readFileSync(file), DATA, 'the right one stays');
  t.notOk(existsSync(`${file}.part`));
});

t.test('§9 refresh: --refresh fetches a cached file again', async t => {
  await get('/r.bin');
  t.equal(asked.length, 1);
  await get('/r.bin');
  t.equal(asked.length, 1);
  await get('/r.bin', { refresh: true });
  t.equal(asked.length, 2);
});

t.test('what goes wrong is said: before the next attempt, and at the end', async t => {
  answers = [status(503), broken, whole];
  await get('/w.bin');
  t.same(said.slice(1), [
    'the server answered 503: trying again in 0.001 s (2 of 5)',
    `the connection broke after ${PART_BYTES} bytes: trying again in 0.002 s (3 of 5)`,
  ]);
  await t.rejects(fileOf(context(), { urls: [`${base.replace('http', 'https')}/x`] }), {
    message: /: no TLS with this server \(wrong version number\)$/,
  });
  await t.rejects(
    fileOf(context({ proxies: { http_proxy: 'me:secret@127.0.0.1:1' } }), { urls: [`${base}/x`] }),
    {
      message: /: through the proxy 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1$/,
    },
  );
  // A name with two addresses, which the hosts file of a test machine need not have.
  const { lookup } = dns;
  const both = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  dns.lookup = ((_name: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(null, both)) as unknown as typeof lookup;
  t.teardown(() => {
    dns.lookup = lookup;
  });
  await t.rejects(fileOf(context(), { urls: ['http://twofold.test:1/x'] }), {
    message: /: connect \w+ 127\.0\.0\.1:1.*, connect \w+ ::1:1/,
  });
});

t.test('a broken connection is continued, also by the next build', async t => {
  answers = [broken, rest];
  t.same(readFileSync(await get('/c.bin', { sha256: SHA256 })), DATA);
  t.same(asked, ['GET /c.bin', 'GET /c.bin bytes=50000- "one"']);
  answers = [broken, status(404)];
  await t.rejects(
    get('/d.bin'),
    /Error downloading file ".*d\.bin" from \["http.*d\.bin"\]: the server answered 404/,
  );
  const stopping = new AbortController();
  answers = [broken, () => stopping.abort()];
  await t.rejects(get('/e.bin', {}, context({ signal: stopping.signal })), /was interrupted/);
  t.match(readdirSync(join(directory, 'downloads')).join(), 'e.bin.part');
  answers = [rest];
  t.same(readFileSync(await get('/e.bin')), DATA);
  t.equal(asked.at(-1), 'GET /e.bin bytes=50000- "one"');
});

t.test('servers that answer something else', async t => {
  answers = [status(503), status(500), whole];
  t.same(readFileSync(await get('/again.bin')), DATA, 'tried again');
  t.equal(asked.length, 3);
  answers = [status(302, { location: '/moved' }), whole];
  t.same(readFileSync(await get('/old.bin')), DATA);
  t.equal(asked.at(-1), 'GET /moved');
  answers = [status(302, { location: '/circle' })];
  await t.rejects(fileOf(context(), { urls: [`${base}/circle`] }), /more than 10 redirects/);
  answers = [status(404), whole];
  const second = await fileOf(context(), { urls: [`${base}/no`, `${base}/yes`] });
  t.same(readFileSync(second), DATA, 'the second address');
  answers = [status(404)];
  const none = fileOf(context(), { urls: [`${base}/no1`, `http://user:secret@127.0.0.1:1/no2`] });
  await t.rejects(none, /^Error downloading file ".*" from \["http:.*no1", "http:\/\/user@127.*no2"\]/);
});

t.test('a password stays with the server it is for', async t => {
  const other = createServer((request, response) => {
    asked.push(`other ${request.headers.authorization ?? 'without'}`);
    whole(request, response);
  });
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/x`;
  answers = [status(307, { location: elsewhere })];
  const part = join(directory, 'secret.part');
  const headers = { authorization: 'Bearer secret' };
  const { signal } = new AbortController();
  await fetchFile({ url: `${base}/blob`, part, headers, proxies: {}, signal, onProgress: () => {} });
  t.same(asked, ['GET /blob Bearer secret', 'other without']);
  other.close();
  other.closeAllConnections();
});

t.test('proxies by their variables', async t => {
  const proxy = base.replace('http://', 'http://me:pass@');
  await fileOf(context({ proxies: { http_proxy: proxy } }), { urls: ['http://far.example/p.bin'] });
  t.same(asked, ['GET http://far.example/p.bin']);
  const tls = fileOf(context({ proxies: { https_proxy: proxy } }), {
    urls: [`https://127.0.0.1:${new URL(base).port}/x`],
  });
  await t.rejects(tls, /Error downloading/, 'our server speaks no TLS');
  t.match(asked[1] ?? '', /^CONNECT 127\.0\.0\.1:\d+ Basic bWU6cGFzcw==$/);
  asked.length = 0;
  await get(
    '/direct.bin',
    {},
    context({ proxies: { http_proxy: 'http://127.0.0.1:1', no_proxy: 'example.org, 127.0.0.1' } }),
  );
  t.same(asked, ['GET /direct.bin']);
  const socks = get('/s.bin', {}, context({ proxies: { all_proxy: 'socks5://127.0.0.1:1' } }));
  await t.rejects(socks, /proxies of the kind socks5:/);
});

t.test('§2.3 !Download: files of the project and of external volumes', async t => {
  writeFileSync(join(directory, 'here.bin'), DATA);
  t.equal(await fileOf(context(), { urls: ['./here.bin'], sha256: SHA256 }), join(directory, 'here.bin'));
  const wrong = fileOf(context(), { urls: ['./here.bin'], sha256: 'abc' });
  await t.rejects(wrong, {
    message: `Error when checking hashsum for file "./here.bin": Hashsum mismatch: expected abc but was ${SHA256}`,
  });
  await t.rejects(fileOf(context(), { urls: ['./none'] }), /file ".\/none" does not exist/);
  await t.rejects(
    fileOf(context(), { urls: ['../../../etc/hostname'] }),
    /does not exist/,
    'never above the project',
  );
  const volumes = context({ externalVolumes: { store: directory } });
  t.equal(await fileOf(volumes, { urls: ['/volumes/store/here.bin'] }), join(directory, 'here.bin'));
  await t.rejects(fileOf(volumes, { urls: ['/volumes/other/x'] }), /external volume "other" is not defined/);
});

t.test('two at once fetch it once', async t => {
  const both = await Promise.all([get('/both.bin'), get('/both.bin')]);
  t.equal(both[0], both[1]);
  t.equal(asked.length, 1);
});
