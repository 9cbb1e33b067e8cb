// Packages and indexes in Alpine's format (v2), signed with a key made here: what a mirror of Alpine serves.
import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface TestKey {
  /** File name of the public part, as signatures name it. */
  readonly name: string;
  readonly publicPem: string;
  readonly privateKey: KeyObject;
}

export function makeKey(name: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { name, publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
}

const BLOCK = 512;

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}

/** One file of a tar (ustar). */
export function tarPart(name: string, content: Buffer | string, mode = 0o644): Buffer {
  const data = Buffer.from(content);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  header.write(name, 0);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(data.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write('        0', 148);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return padded(Buffer.concat([header, data]));
}

const END = Buffer.alloc(2 * BLOCK);

export type Digest = 'RSA' | 'RSA256';

/** `signed` with a signature in front; its tar has no end, so that all members together are one tar. */
export function sign(signed: Buffer, key: TestKey, kind: Digest = 'RSA'): Buffer {
  const signer = createSign(kind === 'RSA' ? 'RSA-SHA1' : 'RSA-SHA256').update(signed);
  const signature = signer.sign(key.privateKey);
  return Buffer.concat([gzipSync(tarPart(`.SIGN.${kind}.${key.name}`, signature)), signed]);
}

export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly bytes: Buffer;
  /** The paragraph of the index. */
  readonly entry: string;
}

export interface PackageOptions {
  readonly key: TestKey;
  readonly name: string;
  readonly version: string;
  /** Path → content of executable files. */
  readonly files: Readonly<Record<string, Buffer | string>>;
  readonly digest?: Digest;
  /** Makes the checksum of the data a lie. */
  readonly wrongDataHash?: boolean;
}

export function makePackage(options: PackageOptions): TestPackage {
  const { key, name, version, files, digest } = options;
  const parts = Object.entries(files).map(([path, content]) => tarPart(path, content, 0o755));
  const data = gzipSync(Buffer.concat([...parts, END]));
  const dataHash = createHash('sha256')
    .update(options.wrongDataHash ? 'else' : data)
    .digest('hex');
  const info = `# made by a test\npkgname = ${name}\npkgver = ${version}\ndatahash = ${dataHash}\n`;
  const control = gzipSync(tarPart('.PKGINFO', info));
  const bytes = Buffer.concat([sign(control, key, digest), data]);
  const checksum = createHash('sha1').update(control).digest('base64');
  const entry = `C:Q1${checksum}\nP:${name}\nV:${version}\nA:x86_64\nS:${bytes.length}\nI:${data.length}\n`;
  return { name, version, bytes, entry };
}

export function makeIndex(key: TestKey, packages: readonly TestPackage[], digest?: Digest): Buffer {
  const text = packages.map(({ entry }) => `${entry}\n`).join('');
  const parts = [tarPart('DESCRIPTION', 'v1'), tarPart('APKINDEX', text), END];
  return sign(gzipSync(Buffer.concat(parts)), key, digest);
}
