// Debian's docker-registry on loopback, and a token server that signs as registries expect.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import { until } from './rig.ts';

export const USER = 'me';
export const PASSWORD = 'secret';
/** bcrypt of the password. */
const HASHED = '$2b$04$5DohrR8To7oyVi.PDzCIVuUvnkDncjjAt6KrGSv/zsTLtAXyTrjF.';

const base64url = (data: Buffer | string): string => Buffer.from(data).toString('base64url');

/** Hands out tokens for whoever knows the password; remembers how it was asked. */
export class TokenServer {
  readonly asked: string[] = [];
  readonly #directory: string;
  readonly #server: Server;

  constructor(directory: string) {
    this.#directory = directory;
    this.#server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x');
      const wanted = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
      const known = request.headers.authorization === wanted;
      this.asked.push(
        `${request.headers.authorization === undefined ? 'anonymous' : 'user'} ${searchParams.get('scope')}`,
      );
      if (known) response.end(JSON.stringify({ token: this.#token(searchParams) }));
      else response.writeHead(401).end();
    });
    const subject = ['-subj', '/CN=tokens', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
    const files = ['-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')];
    const made = spawnSync('openssl', ['req', '-x509', ...subject, ...files]);
    if (made.status !== 0) throw new Error(String(made.stderr));
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  #token(parameters: URLSearchParams): string {
    const pem = readFileSync(join(this.#directory, 'cert.pem'), 'utf8');
    const der = pem.replace(/-----[^-]+-----/g, '').replace(/\s/g, '');
    const now = Math.floor(Date.now() / 1000);
    const [type, name, actions = ''] = (parameters.get('scope') ?? '').split(':');
    const header = { typ: 'JWT', alg: 'RS256', x5c: [der] };
    const claims = {
      iss: 'tokens',
      sub: USER,
      aud: parameters.get('service'),
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: 'x',
      access: [{ type, name, actions: actions.split(',') }],
    };
    const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
    const signature = createSign('RSA-SHA256')
      .update(signed)
      .sign(readFileSync(join(this.#directory, 'key.pem')));
    return `${signed}.${base64url(signature)}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export interface RegistryAuth {
  readonly kind: 'none' | 'password' | 'token';
  readonly realm?: string;
}

function authLines(auth: RegistryAuth, directory: string): string {
  switch (auth.kind) {
    case 'none':
      return '';
    case 'password':
      writeFileSync(join(directory, 'htpasswd'), `${USER}:${HASHED}\n`);
      return `auth: {htpasswd: {realm: test, path: ${join(directory, 'htpasswd')}}}\n`;
    case 'token': {
      const bundle = join(directory, 'cert.pem');
      return `auth: {token: {realm: "${auth.realm}", service: test, issuer: tokens, rootcertbundle: ${bundle}}}\n`;
    }
  }
}

export class TestRegistry {
  readonly host: string;
  readonly #child: ChildProcess;
  log = '';

  private constructor(host: string, child: ChildProcess) {
    this.host = host;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', chunk => {
        this.log += chunk;
      });
    }
  }

  /** `directory` keeps its data and its config; with `tls` it has a certificate that nobody knows; `at`: where one was before. */
  static async start(
    directory: string,
    auth: RegistryAuth,
    tls = false,
    at: string | undefined = undefined,
  ): Promise<TestRegistry> {
    mkdirSync(join(directory, 'data'), { recursive: true });
    const host = at ?? `127.0.0.1:${await freePort()}`;
    const certificate = tls
      ? `  tls: {certificate: ${join(directory, 'cert.pem')}, key: ${join(directory, 'key.pem')}}\n`
      : '';
    const config = `version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: ${join(directory, 'data')}}}
http:
  addr: ${host}
${certificate}${authLines(auth, directory)}`;
    const file = join(directory, `config-${host.split(':')[1]}.yml`);
    writeFileSync(file, config);
    const registry = new TestRegistry(
      host,
      spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    await until(() => registry.log.includes('listening on'), 'the registry listens');
    return registry;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise(resolve => this.#child.once('close', resolve));
    this.#child.kill();
    await ended;
  }
}
