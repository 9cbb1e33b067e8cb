// One encrypted value: `v2:KEY:NAMESPACE:SECRET:BOX`. The first three are short hashes, by which a person or a checker
// without the private key can tell for which key and namespace it is and whether two values are equal; the box holds
// `namespace:secret`.
import { blake2b } from '@noble/hashes/blake2.js';
import { BadFormat } from './bytes.ts';
import type { KeyPair } from './openssh.ts';
import { open, seal } from './sealed-box.ts';

const VERSION = 'v2';
const FIELDS = 5;
const HASH_BYTES = 6;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$|^[A-Za-z0-9+/]{2,3}={1,2}$/;

/** Names of namespaces; also the empty one. */
export const NAMESPACE = /^[a-zA-Z0-9_.-]*$/;

export interface SecretString {
  readonly keyHash: string;
  readonly namespaceHash: string;
  readonly secretHash: string;
  readonly box: Buffer;
}

export interface Secret {
  readonly namespace: string;
  readonly secret: string;
}

/** Base64 of BLAKE2b with a digest of 6 bytes (which is not a shortened longer digest). */
export function shortHash(data: Uint8Array | string): string {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return Buffer.from(blake2b(bytes, { dkLen: HASH_BYTES })).toString('base64');
}

/** Throws BadFormat. */
export function parseSecretString(text: string): SecretString {
  const [version, keyHash = '', namespaceHash = '', secretHash = '', box = '', ...more] = text
    .trim()
    .split(':');
  if (version !== VERSION) throw new BadFormat(`an encrypted value starts with \`${VERSION}:\``);
  if (more.length > 0 || box === '') throw new BadFormat(`an encrypted value has ${FIELDS} fields`);
  if (!BASE64.test(box)) throw new BadFormat('its last field is not base64');
  return { keyHash, namespaceHash, secretHash, box: Buffer.from(box, 'base64') };
}

export function encrypt({ namespace, secret }: Secret, publicKey: Uint8Array, ephemeral: Uint8Array): string {
  const box = seal(Buffer.from(`${namespace}:${secret}`), publicKey, ephemeral).toString('base64');
  return [VERSION, shortHash(publicKey), shortHash(namespace), shortHash(secret), box].join(':');
}

/** Only then can it be decrypted with that key. */
export function isFor(value: SecretString, publicKey: Uint8Array): boolean {
  return value.keyHash === shortHash(publicKey);
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BadFormat('what is in it is not UTF-8');
  }
}

/** Throws BadFormat; no message ever holds what was decrypted. */
export function decrypt(value: SecretString, key: KeyPair): Secret {
  if (!isFor(value, key.publicKey)) throw new BadFormat('it was encrypted for another key');
  const plain = open(value.box, key.seed);
  if (plain === undefined) throw new BadFormat('it cannot be decrypted: it is damaged');
  const colon = plain.indexOf(':');
  if (colon < 0) throw new BadFormat('there is no namespace in it');
  const [namespace, secret] = [plain.subarray(0, colon), plain.subarray(colon + 1)];
  if (shortHash(namespace) !== value.namespaceHash || shortHash(secret) !== value.secretHash)
    throw new BadFormat('its hashes are not those of what is in it');
  return { namespace: decodeUtf8(namespace), secret: decodeUtf8(secret) };
}
