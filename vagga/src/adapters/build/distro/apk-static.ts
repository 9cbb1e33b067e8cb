// Alpine's package manager as a static program, from the mirror itself. Nothing is run that a trusted key has not signed:
// the key signs the index, the index names the package's control part, that names its data.
import { createHash, createVerify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { APK_OPEN_BYTES_MAX, APK_PACKED_BYTES_MAX } from '../../../config/defaults.ts';
import { type Gunzip, type Member, signaturesOf, splitMembers, tarFiles } from '../../../core/apk/archive.ts';
import { dataHash, findPackage, type IndexEntry } from '../../../core/apk/index-file.ts';
import { fetchBytes, fetchProblem } from '../../download/fetch-bytes.ts';
import { temporaryFor } from '../../storage/temporary.ts';
import type { BuildContext } from '../context.ts';
import { asking } from '../downloads.ts';
import { alpineKeys } from './alpine-keys.ts';

const PACKAGE = 'apk-tools-static';
const PROGRAM = 'sbin/apk.static';
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ia32: 'x86',
  arm: 'armv7',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** Length of a gzip member's header (RFC 1952); throws when it is none. */
function gzipHeaderSize(bytes: Uint8Array): number {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) throw new Error('not compressed with gzip');
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 256;
  for (const text of [8, 16]) if ((flags & text) !== 0) at = bytes.indexOf(0, at) + 1;
  return (flags & 2) !== 0 ? at + 2 : at;
}

/** Node's own gunzip does not tell where a member ends. */
const gunzip: Gunzip = bytes => {
  const start = gzipHeaderSize(bytes);
  const { buffer, engine } = inflateRawSync(bytes.subarray(start), {
    info: true,
    maxOutputLength: APK_OPEN_BYTES_MAX,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  const CHECKSUM_AND_LENGTH = 8;
  return { data: buffer, size: start + engine.bytesWritten + CHECKSUM_AND_LENGTH };
};

/** Alpine's keys and those of the user's own mirror: file name → PEM. */
export function trustedAlpineKeys(directory: string | undefined): ReadonlyMap<string, string> {
  const keys = alpineKeys();
  if (directory === undefined) return keys;
  for (const name of readdirSync(directory).filter(item => item.endsWith('.rsa.pub')))
    keys.set(name, readFileSync(join(directory, name), 'utf8'));
  return keys;
}

/** Throws unless one of the signatures is good and of a key that we trust. */
function checkSignature(
  what: string,
  keys: ReadonlyMap<string, string>,
  signature: Member,
  signed: Member,
): void {
  const signatures = signaturesOf(signature);
  if (signatures.length === 0) throw new Error(`${what} is not signed`);
  const known = signatures.filter(({ key }) => keys.has(key));
  if (known.length === 0)
    throw new Error(`${what} is signed by an unknown key: ${signatures.map(({ key }) => key).join(', ')}`);
  const good = known.some(({ key, digest, bytes }) =>
    createVerify(`RSA-${digest.toUpperCase()}`)
      .update(signed.packed)
      .verify(keys.get(key) as string, bytes),
  );
  if (!good) throw new Error(`the signature of ${what} is wrong`);
}

const hash = (algorithm: string, bytes: Uint8Array, encoding: 'hex' | 'base64') =>
  createHash(algorithm).update(bytes).digest(encoding);

const fileIn = (member: Member, name: string) => tarFiles(member.data).find(file => file.name === name)?.data;

/** The text of a signed index; throws when it is not to be trusted. */
export function openIndex(bytes: Uint8Array, keys: ReadonlyMap<string, string>): string {
  const [signature, content] = splitMembers(bytes, gunzip);
  if (signature === undefined || content === undefined) throw new Error('APKINDEX.tar.gz is not signed');
  checkSignature('APKINDEX.tar.gz', keys, signature, content);
  const text = fileIn(content, 'APKINDEX');
  if (text === undefined) throw new Error('APKINDEX.tar.gz holds no APKINDEX');
  return Buffer.from(text).toString('utf8');
}

/** The file `name` of a package that is the one of the index; throws when it is not to be trusted. */
export function openPackage(
  bytes: Uint8Array,
  entry: IndexEntry,
  keys: ReadonlyMap<string, string>,
  name: string,
): Uint8Array {
  const what = `${entry.name}-${entry.version}.apk`;
  const [signature, control, data] = splitMembers(bytes, gunzip);
  if (signature === undefined || control === undefined || data === undefined)
    throw new Error(`${what} is not a signed package`);
  checkSignature(what, keys, signature, control);
  if (hash('sha1', control.packed, 'base64') !== entry.checksum)
    throw new Error(`${what} is not the one that the index names`);
  const info = fileIn(control, '.PKGINFO');
  if (
    info === undefined ||
    dataHash(Buffer.from(info).toString('utf8')) !== hash('sha256', data.packed, 'hex')
  )
    throw new Error(`the data of ${what} is damaged`);
  const file = fileIn(data, name);
  if (file === undefined) throw new Error(`${what} holds no ${name}`);
  return file;
}

async function fetched(url: string, context: BuildContext): Promise<Buffer> {
  const answer = await fetchBytes(url, APK_PACKED_BYTES_MAX, asking(context));
  if (answer.kind === 'bytes') return answer.bytes;
  throw new Error(`${fetchProblem(url, answer)}; name another mirror with the setting alpine-mirror`);
}

function keep(directory: string, program: Uint8Array): void {
  mkdirSync(directory, { recursive: true });
  const temporary = temporaryFor(join(directory, 'apk.static'));
  writeFileSync(temporary, program, { flush: true });
  chmodSync(temporary, 0o755);
  renameSync(temporary, join(directory, 'apk.static'));
}

/**
 * Directory with `apk.static` of the release `version`; fetched once per cache. Throws a sentence for the user.
 */
export async function apkStatic(context: BuildContext, mirror: string, version: string): Promise<string> {
  const arch = ARCHITECTURES[process.arch];
  if (arch === undefined) throw new Error(`Alpine has no packages for ${process.arch}`);
  const directory = join(context.cacheDirectory('apk-static'), `${version}-${arch}`);
  if (existsSync(join(directory, 'apk.static')) && !context.force) return directory;
  const base = `${mirror}${version}/main/${arch}`;
  const keys = trustedAlpineKeys(context.settings.alpineKeys);
  const entry = findPackage(openIndex(await fetched(`${base}/APKINDEX.tar.gz`, context), keys), PACKAGE);
  if (entry === undefined) throw new Error(`${base} has no ${PACKAGE}`);
  const bytes = await fetched(`${base}/${PACKAGE}-${entry.version}.apk`, context);
  keep(directory, openPackage(bytes, entry, keys, PROGRAM));
  context.log.write(`${PACKAGE} ${entry.version}: signatures and checksums are right\n`);
  return directory;
}
