// Alpine's apk on the image: the static program runs in a container whose root is the image, so that it needs nothing of
// it and package scripts see neither the host nor its files.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALPINE_MIRROR } from '../../../config/defaults.ts';
import type { BuildAction } from '../../../core/steps/state.ts';
import { bindMount } from '../../oci/sandbox.ts';
import type { BuildContext } from '../context.ts';
import { fileInRoot, inRoot, makeDirectories } from '../in-root.ts';
import { runInImage } from '../run-step.ts';
import { apkStatic, trustedAlpineKeys } from './apk-static.ts';
import { keyDirectory } from './keyrings.ts';

type Of<K extends BuildAction['kind']> = Extract<BuildAction, { kind: K }>;

/** Below /run, which is empty memory while a step runs: nothing of it stays in the image. */
const PLACE = '/run/vagga-apk';
const KEYS = '/run/vagga-apk-keys';
const CACHE = '/run/vagga-apk-cache';
/** A root that is still empty has no certificates; those of the host let an https mirror be read. */
const HOST_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const CERTIFICATES = '/run/vagga-certificates.crt';
const REPOSITORIES = '/etc/apk/repositories';

function mirrorOf(context: BuildContext): string {
  const mirror = context.settings.alpineMirror ?? ALPINE_MIRROR;
  return mirror.endsWith('/') ? mirror : `${mirror}/`;
}

async function apk(
  context: BuildContext,
  action: Pick<Of<'apk'>, 'version' | 'words' | 'env' | 'caches' | 'outputFile'>,
): Promise<string | undefined> {
  const program = await apkStatic(context, mirrorOf(context), action.version);
  const certificates = existsSync(HOST_CERTIFICATES);
  const run: Of<'run'> = {
    kind: 'run',
    argv: [`${PLACE}/apk.static`, '--root', '/', '--cache-dir', CACHE, ...action.words],
    env: { ...action.env, ...(certificates && { SSL_CERT_FILE: CERTIFICATES }) },
    caches: action.caches,
    lock: 'apk',
    ...(action.outputFile !== undefined && { outputFile: action.outputFile }),
  };
  return await runInImage(context, run, [
    bindMount(program, PLACE, true),
    bindMount(keyDirectory(context, 'apk-keys', trustedAlpineKeys(context.settings.alpineKeys)), KEYS, true),
    bindMount(context.cacheDirectory('alpine-cache'), CACHE),
    ...(certificates ? [bindMount(HOST_CERTIFICATES, CERTIFICATES, true)] : []),
  ]);
}

function appendRepository(context: BuildContext, line: string): void {
  makeDirectories(context.root, '/etc/apk', 0o755);
  appendFileSync(fileInRoot(context.root, REPOSITORIES), `${line}\n`);
}

/** Keys of an own mirror are trusted inside too: later calls of apk read the image's own directory. */
function trustOwnKeys(context: BuildContext): void {
  const { alpineKeys } = context.settings;
  if (alpineKeys === undefined) return;
  makeDirectories(context.root, '/etc/apk/keys', 0o755);
  const directory = inRoot(context.root, '/etc/apk/keys');
  for (const [name, pem] of trustedAlpineKeys(alpineKeys)) writeFileSync(join(directory, name), pem);
}

/** A file of repositories that is there already is the user's. */
export async function bootstrapAlpine(
  context: BuildContext,
  { version, env }: Of<'bootstrap-alpine'>,
): Promise<string | undefined> {
  if (!existsSync(inRoot(context.root, REPOSITORIES)))
    appendRepository(context, `${mirrorOf(context)}${version}/main`);
  trustOwnKeys(context);
  const words = ['--update-cache', '--keys-dir', KEYS, '--initdb', 'add', 'alpine-base'];
  return await apk(context, { version, words, env, caches: {} });
}

export async function runApk(context: BuildContext, action: Of<'apk'>): Promise<string | undefined> {
  return await apk(context, action);
}

/** `[@TAG ]URL/BRANCH/REPO` */
export function addApkRepository(context: BuildContext, action: Of<'apk-repository'>): undefined {
  const { url = mirrorOf(context), branch, repo, tag } = action;
  const prefix = tag === undefined ? '' : `@${tag} `;
  appendRepository(context, `${prefix}${url.replace(/\/+$/, '')}/${branch}/${repo}`);
}
