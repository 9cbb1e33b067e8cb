// One HTTP request, directly or through a proxy, redirects followed.
import { createReadStream, readFileSync } from 'node:fs';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { DOWNLOAD_IDLE_MS, REDIRECTS_MAX } from '../../config/defaults.ts';
import { basicAuth, type ProxyVariables, proxyFor } from './proxies.ts';

/** A file that is sent as it is. */
export interface FileBody {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface HttpOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  /** `authorization` is not sent to another host than the first. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FileBody;
  readonly proxies: ProxyVariables;
  readonly signal: AbortSignal;
  /** False: any certificate will do. */
  readonly tlsVerify?: boolean;
}

/** As programs of the distribution see it: certificates that an administrator added count. */
const SYSTEM_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
let certificates: string | undefined;

function systemCertificates(): string | undefined {
  try {
    certificates ??= readFileSync(process.env.SSL_CERT_FILE ?? SYSTEM_CERTIFICATES, 'utf8');
  } catch {
    certificates = '';
  }
  return certificates === '' ? undefined : certificates;
}

function tlsOptions(options: HttpOptions) {
  const ca = systemCertificates();
  return { ...(ca !== undefined && { ca }), rejectUnauthorized: options.tlsVerify !== false };
}

/** An authority that this machine does not know, as that of a company which looks into everything. */
const UNTRUSTED = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

function textOf({ code = '', message }: NodeJS.ErrnoException): string {
  if (UNTRUSTED.includes(code))
    return `${message}; certificates that count are those in ${process.env.SSL_CERT_FILE ?? SYSTEM_CERTIFICATES}`;
  const reason = /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
  return reason === undefined ? message : `no TLS with this server (${reason})`;
}

/** A host with several addresses fails once for each, and the error of all of them has no text. */
function readable(error: Error, proxy: URL | undefined): Error {
  const each: Error[] = error instanceof AggregateError && error.message === '' ? error.errors : [error];
  const reasons = each.map(textOf).join(', ');
  const text = proxy === undefined ? reasons : `through the proxy ${proxy.host}: ${reasons}`;
  return text === error.message ? error : new Error(text, { cause: error });
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');
const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

/** A connection to the server of `url` through the proxy, which then only passes bytes on. */
function tunnel(url: URL, proxy: URL, options: HttpOptions): Promise<Socket> {
  const auth = basicAuth(proxy);
  const target = `${url.hostname}:${portOf(url)}`;
  return new Promise((resolve, reject) => {
    const asking = httpRequest({
      host: bare(proxy.hostname),
      port: portOf(proxy),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...(auth !== undefined && { 'proxy-authorization': auth }) },
      signal: options.signal,
      agent: false,
    });
    asking.setTimeout(DOWNLOAD_IDLE_MS, () => asking.destroy(new Error('the proxy does not answer')));
    asking.once('error', error => reject(readable(error, proxy)));
    asking.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) resolve(socket);
      else {
        socket.destroy();
        reject(new Error(`the proxy refused with ${answer.statusCode}`));
      }
    });
    asking.end();
  });
}

async function connectionOf(url: URL, options: HttpOptions): Promise<RequestOptions> {
  const proxy = proxyFor(url, options.proxies);
  const path = `${url.pathname}${url.search}`;
  const direct = { host: bare(url.hostname), port: portOf(url), path };
  if (proxy === undefined) return url.protocol === 'https:' ? { ...direct, ...tlsOptions(options) } : direct;
  if (url.protocol === 'https:') {
    const socket = await tunnel(url, proxy, options);
    const servername = bare(url.hostname);
    return { ...direct, createConnection: () => tlsConnect({ socket, servername, ...tlsOptions(options) }) };
  }
  const auth = basicAuth(proxy);
  return {
    host: bare(proxy.hostname),
    port: portOf(proxy),
    path: `${url.origin}${path}`,
    headers: auth === undefined ? {} : { 'proxy-authorization': auth },
  };
}

async function once(url: URL, options: HttpOptions): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`addresses that start with ${url.protocol} are not supported`);
  }
  const connection = await connectionOf(url, options);
  const auth = basicAuth(url);
  const headers = {
    host: url.host,
    'user-agent': 'vagga',
    // What is compressed on the server must arrive so: checksums are of the file.
    'accept-encoding': 'identity',
    ...(auth !== undefined && { authorization: auth }),
    ...connection.headers,
    ...options.headers,
    ...(options.body !== undefined && { 'content-length': String(lengthOf(options.body)) }),
  };
  const { method = 'GET', signal } = options;
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return await new Promise((resolve, reject) => {
    const asking = send({ ...connection, method, headers, signal, agent: false });
    asking.setTimeout(DOWNLOAD_IDLE_MS, () => asking.destroy(new Error('the server does not answer')));
    asking.once('error', error => reject(readable(error, proxyFor(url, options.proxies))));
    asking.once('response', resolve);
    sendBody(asking, options.body);
  });
}

const lengthOf = (body: string | FileBody): number =>
  typeof body === 'string' ? Buffer.byteLength(body) : body.sizeBytes;

/** A server that has answered already may close before it has read all. */
function sendBody(asking: ClientRequest, body: string | FileBody | undefined): void {
  if (typeof body !== 'object') asking.end(body);
  else pipeline(createReadStream(body.path), asking, error => error && asking.destroy(error));
}

const REDIRECTS = [301, 302, 303, 307, 308];

function withoutAuthorization(options: HttpOptions): HttpOptions {
  const { authorization: _, ...headers } = options.headers ?? {};
  return { ...options, headers };
}

/** The last answer; its body must be read or destroyed. Rejects when there is none. */
export async function request(address: string, options: HttpOptions): Promise<IncomingMessage> {
  let url = new URL(address);
  let sent = options;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await once(url, sent);
    const { location } = answer.headers;
    if (!REDIRECTS.includes(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.destroy();
    const next = new URL(location, url);
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      throw new Error(`${url.host} redirects from https to http`);
    }
    if (next.origin !== url.origin) sent = withoutAuthorization(sent);
    url = next;
  }
  throw new Error(`more than ${REDIRECTS_MAX} redirects`);
}
/** The whole body as text; rejects when it is longer. */
export async function bodyText(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
