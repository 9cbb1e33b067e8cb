// How one repository of a registry is asked: where it is, who we are, and again when it is busy.
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOWNLOAD_RETRY_MS, IMAGE_DOCUMENT_BYTES_MAX, REGISTRY_ATTEMPTS } from '../../config/defaults.ts';
import { type Challenge, parseChallenge } from '../../core/oci/challenge.ts';
import { type ImageReference, referenceText } from '../../core/oci/reference.ts';
import { bodyText, type HttpOptions, request } from '../download/http.ts';
import type { ProxyVariables } from '../download/proxies.ts';
import type { Credentials } from './credentials.ts';

export interface RegistryOptions {
  readonly proxies: ProxyVariables;
  readonly signal: AbortSignal;
  /** False: any certificate, and plain http when there is no TLS. */
  readonly tlsVerify: boolean;
  readonly credentials: Credentials | undefined;
  /** Pause after the first failure. */
  readonly retryMs?: number;
}

export type Asked = Partial<Pick<HttpOptions, 'method' | 'headers' | 'body'>>;

export interface Sent extends Asked {
  /** Statuses that are an answer. */
  readonly good: readonly number[];
  /** What cannot simply be sent again is tried once. */
  readonly attempts?: number;
}

/** Where Docker Hub really is. */
const HUB_HOST = 'registry-1.docker.io';

const isBusy = (status: number): boolean => status === 429 || status >= 500;

function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

export class RegistryConnection {
  readonly #reference: ImageReference;
  readonly #options: RegistryOptions;
  #base: string | undefined;
  #authorization: string | undefined;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.#reference = reference;
    // A proxy would ask its own machine.
    const proxies = isLoopback(reference.registry) ? {} : options.proxies;
    this.#options = { ...options, proxies };
  }

  /** Whether certificates count. On the machine itself nobody listens in. */
  get tlsVerify(): boolean {
    return this.#options.tlsVerify && !isLoopback(this.#reference.registry);
  }

  get proxies(): ProxyVariables {
    return this.#options.proxies;
  }

  /**
   * The answer with one of the statuses in `good`, else an error with a sentence. `where`: below the repository, or an address
   * that the registry gave us. A login that is asked for is made once.
   */
  async send(where: string, { good, attempts, ...what }: Sent): Promise<IncomingMessage> {
    const url = where.includes('://') ? where : `${await this.baseUrl()}/${where}`;
    let answer = await this.#ask(url, what, attempts);
    if (answer.statusCode === 401) {
      const challenge = parseChallenge(answer.headers['www-authenticate'] ?? '');
      answer.destroy();
      this.#authorization = await this.#authorize(challenge);
      answer = await this.#ask(url, what, attempts);
    }
    if (good.includes(answer.statusCode ?? 0)) return answer;
    answer.destroy();
    throw new Error(this.#refusal(answer.statusCode ?? 0));
  }

  #refusal(status: number): string {
    const name = this.name;
    const anonymous = this.#options.credentials === undefined;
    if (status === 401 || status === 403) {
      const hint = anonymous ? `; log in with: podman login ${this.#reference.registry}` : '';
      return `${name}: the registry refuses access (${status})${hint}`;
    }
    if (status === 404) {
      // Docker Hub and others do not tell strangers what exists.
      return `${name}: there is no such image${anonymous ? ', or it needs a login' : ''}`;
    }
    if (status === 429) return `${name}: the registry wants no more requests from here for now (429)`;
    return `${name}: the registry answered ${status}`;
  }

  get name(): string {
    return referenceText(this.#reference);
  }

  #http(headers: Readonly<Record<string, string>>): HttpOptions {
    return { ...this.#options, tlsVerify: this.tlsVerify, headers };
  }

  /** With the token as of the last answer. */
  headers(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { ...more, ...(this.#authorization !== undefined && { authorization: this.#authorization }) };
  }

  /** Uploads may go to another server, which has no business with our password. */
  async #askOnce(url: string, { headers = {}, ...what }: Asked): Promise<IncomingMessage> {
    const isOwn = new URL(url).origin === new URL(await this.baseUrl()).origin;
    return await request(url, { ...this.#http(isOwn ? this.headers(headers) : headers), ...what });
  }

  /** Tried again when the registry is busy or the connection breaks. */
  async #ask(url: string, what: Asked, attempts = REGISTRY_ATTEMPTS): Promise<IncomingMessage> {
    const { signal, retryMs = DOWNLOAD_RETRY_MS } = this.#options;
    for (let number = 1; ; number++) {
      const answer = await this.#askOnce(url, what).catch((error: Error) => error);
      const isFinal = number >= attempts || signal.aborted;
      if (answer instanceof Error) {
        if (isFinal) throw new Error(`${this.name}: ${answer.message}`);
      } else if (isFinal || !isBusy(answer.statusCode ?? 0)) return answer;
      else answer.destroy();
      await sleep(retryMs * 2 ** (number - 1), undefined, { signal });
    }
  }

  /** https, and http where that may be. */
  async baseUrl(): Promise<string> {
    this.#base ??= await this.#findBase();
    return `${this.#base}/v2/${this.#reference.repository}`;
  }

  async #findBase(): Promise<string> {
    const { registry } = this.#reference;
    const host = registry === 'docker.io' ? HUB_HOST : registry;
    if (this.tlsVerify) return `https://${host}`;
    try {
      const answer = await request(`https://${host}/v2/`, this.#http({}));
      answer.destroy();
      return `https://${host}`;
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      return `http://${host}`;
    }
  }

  async #authorize(challenge: Challenge | undefined): Promise<string | undefined> {
    const { credentials } = this.#options;
    if (challenge === undefined) return undefined;
    if (challenge.kind === 'basic') return basicOf(credentials);
    const answer = await this.#askForToken(challenge);
    if (answer.statusCode !== 200) {
      answer.destroy();
      throw new Error(this.#refusal(answer.statusCode === 404 ? 401 : (answer.statusCode ?? 0)));
    }
    const text = await bodyText(answer, IMAGE_DOCUMENT_BYTES_MAX);
    const { token, access_token: other } = JSON.parse(text) as { token?: string; access_token?: string };
    return `Bearer ${token || other}`;
  }

  async #askForToken(challenge: Challenge & { kind: 'bearer' }): Promise<IncomingMessage> {
    const { credentials } = this.#options;
    const realm = new URL(challenge.realm);
    if (this.tlsVerify && realm.protocol !== 'https:') {
      throw new Error(`${this.name}: the registry wants the password sent to ${realm.origin} in the clear`);
    }
    const scope = challenge.scope ?? `repository:${this.#reference.repository}:pull`;
    const asked = { ...(challenge.service !== undefined && { service: challenge.service }), scope };
    if (credentials?.kind === 'identity-token') {
      const grant = { grant_type: 'refresh_token', refresh_token: credentials.token, client_id: 'vagga' };
      const body = new URLSearchParams({ ...grant, ...asked }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return await request(realm.href, { ...this.#http(headers), method: 'POST', body });
    }
    for (const [name, value] of Object.entries(asked)) realm.searchParams.set(name, value);
    const basic = basicOf(credentials);
    return await request(realm.href, this.#http(basic === undefined ? {} : { authorization: basic }));
  }
}

function basicOf(credentials: Credentials | undefined): string | undefined {
  if (credentials?.kind !== 'password') return undefined;
  const pair = `${credentials.user}:${credentials.password}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
