import { Agent, type ClientRequest, request } from 'node:http';

/** One failed sentence instead of an exception: an unreachable node is a normal state of a network. */
export type Fetched =
  | { readonly ok: true; readonly status: number; readonly value: unknown }
  | { readonly ok: false; readonly error: string; readonly status?: number };

export interface FetchOptions {
  /** For the whole exchange: connecting, headers and body. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Sent as JSON with POST. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** A connection of its own: an answer that may take a minute must not hold up the others. */
  readonly isPatient?: boolean;
}

/** Idle connections are kept for the next request to the same node. */
const agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 2, timeout: 300_000 });

/** GET, or POST when there is a body. A status other than 2xx is not `ok`. Never rejects. */
export function fetchJson(url: string, options: FetchOptions): Promise<Fetched> {
  return new Promise(resolve => {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const headers = {
      ...options.headers,
      ...(payload !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
      }),
    };
    const method = payload === undefined ? 'GET' : 'POST';
    let call: ClientRequest;
    try {
      call = request(url, { agent: options.isPatient === true ? false : agent, method, headers });
    } catch (error) {
      // An address that another machine made up is no URL.
      resolve({ ok: false, error: `${url}: ${(error as Error).message}` });
      return;
    }
    const timer = setTimeout(
      () => finish({ ok: false, error: `no answer in ${options.timeoutMs} ms` }),
      options.timeoutMs,
    );
    const finish = (result: Fetched) => {
      clearTimeout(timer);
      resolve(result);
      if (!call.destroyed && !result.ok) call.destroy();
    };
    call.on('error', error => finish({ ok: false, error: error.message }));
    call.on('response', response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > options.maxBytes)
          finish({ ok: false, error: `answer longer than ${options.maxBytes} bytes` });
        else chunks.push(chunk);
      });
      response.on('error', error => finish({ ok: false, error: error.message }));
      response.on('end', () => finish(parse(response.statusCode ?? 0, Buffer.concat(chunks))));
    });
    call.end(payload);
  });
}

function parse(status: number, body: Buffer): Fetched {
  const text = body.toString('utf8');
  if (status < 200 || status > 299)
    return { ok: false, status, error: `status ${status}: ${text.slice(0, 200)}` };
  try {
    return { ok: true, status, value: text === '' ? null : (JSON.parse(text) as unknown) };
  } catch {
    return { ok: false, status, error: 'the answer is not JSON' };
  }
}

/** Idle keep-alive connections would keep the process alive. */
export function closeConnections(): void {
  agent.destroy();
}
