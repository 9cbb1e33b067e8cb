// User and password of a registry, from where docker and podman keep them.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { CREDENTIAL_HELPER_MS } from '../../config/defaults.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** Given instead of a password by some registries. */
  | { readonly kind: 'identity-token'; readonly token: string };

interface AuthFile {
  readonly auths?: Readonly<Record<string, { auth?: string; identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** The first file that knows the registry counts; podman's before docker's. */
function files(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME;
  return [
    env.REGISTRY_AUTH_FILE,
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, 'containers/auth.json'),
    env.XDG_CONFIG_HOME && join(env.XDG_CONFIG_HOME, 'containers/auth.json'),
    home && join(home, '.config/containers/auth.json'),
    env.DOCKER_CONFIG && join(env.DOCKER_CONFIG, 'config.json'),
    home && join(home, '.docker/config.json'),
  ].filter(path => path !== undefined && path !== '') as string[];
}

function readAuthFile(path: string): AuthFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const value = JSON.parse(text) as AuthFile | null;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    throw new Error(`${path} is not JSON`);
  }
}

/** Keys as they were written over the years. */
function keysOf(registry: string, repository: string): string[] {
  const hub = registry === 'docker.io' ? ['https://index.docker.io/v1/', 'index.docker.io'] : [];
  const parts = repository.split('/');
  // podman: credentials of a part of a registry, the longest first.
  const scoped = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join('/')}`);
  return [
    ...scoped,
    registry,
    `https://${registry}`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
    ...hub,
  ];
}

function fromHelper(name: string, server: string): Credentials | undefined {
  const program = /^[\w.-]+$/.test(name) ? findProgram(`docker-credential-${name}`) : undefined;
  if (program === undefined)
    throw new Error(`docker-credential-${name}, which keeps the passwords, is not installed`);
  const { status, stdout, stderr } = spawnSync(program, ['get'], {
    input: server,
    encoding: 'utf8',
    timeout: CREDENTIAL_HELPER_MS,
  });
  if (status !== 0) {
    const said = `${stdout}${stderr}`.trim();
    if (/credentials not found|no credentials/i.test(said)) return undefined;
    throw new Error(`docker-credential-${name} failed: ${said.slice(0, 500)}`);
  }
  const { Username: user, Secret: secret } = JSON.parse(stdout) as { Username?: string; Secret?: string };
  if (user === undefined || secret === undefined) return undefined;
  return user === '<token>'
    ? { kind: 'identity-token', token: secret }
    : { kind: 'password', user, password: secret };
}

function fromAuth({
  auth,
  identitytoken,
}: {
  auth?: string;
  identitytoken?: string;
}): Credentials | undefined {
  if (identitytoken) return { kind: 'identity-token', token: identitytoken };
  const pair = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon <= 0
    ? undefined
    : { kind: 'password', user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function inFile(file: AuthFile, registry: string, keys: readonly string[]): Credentials | undefined {
  const server = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
  const helper = keys.map(key => file.credHelpers?.[key]).find(name => name !== undefined);
  if (helper !== undefined) return fromHelper(helper, server);
  const auth = keys.map(key => file.auths?.[key]).find(entry => entry?.auth || entry?.identitytoken);
  if (auth !== undefined) return fromAuth(auth);
  return file.credsStore ? fromHelper(file.credsStore, server) : undefined;
}

/** Undefined: ask without. Throws a sentence when a file or helper is broken. */
export function credentialsFor(
  registry: string,
  repository: string,
  env: NodeJS.ProcessEnv,
): Credentials | undefined {
  const keys = keysOf(registry, repository);
  for (const path of files(env)) {
    const file = readAuthFile(path);
    const found = file === undefined ? undefined : inFile(file, registry, keys);
    if (found !== undefined) return found;
  }
  return undefined;
}
