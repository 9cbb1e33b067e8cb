// ed25519 keys as ssh-keygen writes them: the public key line (RFC 8709), and the private PEM block (OpenSSH's
// PROTOCOL.key). Encrypted private keys are refused: nobody is there to type a passphrase when a container starts.
import { LIMITS } from '../../config/defaults.ts';
import { BadFormat, ByteReader } from './bytes.ts';

const TYPE = 'ssh-ed25519';
const KEY_BYTES = 32;
const MAGIC = 'openssh-key-v1\0';
const BLOCK = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END OPENSSH PRIVATE KEY-----/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export interface KeyPair {
  /** 32 bytes, an Edwards point. */
  readonly publicKey: Uint8Array;
  /** 32 bytes from which the private scalar is made. */
  readonly seed: Uint8Array;
}

function decodeBase64(text: string): Buffer {
  if (!BASE64.test(text)) throw new BadFormat('it is not base64');
  return Buffer.from(text, 'base64');
}

function ed25519Key(key: Buffer): Buffer {
  if (key.length !== KEY_BYTES)
    throw new BadFormat(`an ed25519 key has ${KEY_BYTES} bytes, not ${key.length}`);
  return key;
}

/** The first line of a `.pub` file. Throws BadFormat. */
export function parsePublicKey(text: string): Uint8Array {
  const [type, encoded = ''] = (text.split('\n')[0] ?? '').trim().split(/\s+/);
  if (type !== TYPE) throw new BadFormat(`it does not start with ${TYPE}: only ed25519 keys are understood`);
  const reader = new ByteReader(decodeBase64(encoded));
  if (reader.text() !== TYPE) throw new BadFormat('its two key types differ');
  return ed25519Key(reader.field());
}

/** Two equal random numbers: in an encrypted block they only agree after the right passphrase. */
function checkNumbers(reader: ByteReader): void {
  const [first, second] = [reader.uint32(), reader.uint32()];
  if (first !== second) throw new BadFormat('its check numbers differ: it is damaged');
}

function checkPadding(padding: Buffer): void {
  if (padding.some((byte, index) => byte !== ((index + 1) & 0xff)))
    throw new BadFormat('its padding is wrong');
}

function parsePrivateBlob(blob: Buffer, count: number): KeyPair[] {
  const reader = new ByteReader(blob);
  checkNumbers(reader);
  const keys = Array.from({ length: count }, () => {
    if (reader.text() !== TYPE) throw new BadFormat('only ed25519 keys are understood');
    const publicKey = ed25519Key(reader.field());
    const secret = reader.field();
    if (secret.length !== 2 * KEY_BYTES || !secret.subarray(KEY_BYTES).equals(publicKey))
      throw new BadFormat('its private and public halves do not belong together');
    reader.field();
    return { publicKey, seed: secret.subarray(0, KEY_BYTES) };
  });
  checkPadding(reader.rest());
  return keys;
}

function parseBlock(body: string): KeyPair[] {
  const reader = new ByteReader(decodeBase64(body.replaceAll(/\s/g, '')));
  if (reader.take(MAGIC.length).toString('latin1') !== MAGIC) throw new BadFormat('it is no openssh-key-v1');
  const [cipher, kdf] = [reader.text(), reader.text()];
  reader.field();
  if (cipher !== 'none' || kdf !== 'none') throw new BadFormat('it is protected by a passphrase');
  const count = reader.uint32();
  if (count < 1 || count > LIMITS.keysPerFile) throw new BadFormat(`it says that it holds ${count} keys`);
  for (let index = 0; index < count; index++) reader.field();
  return parsePrivateBlob(reader.field(), count);
}

/** All keys of all blocks of a file, in order. Throws BadFormat, also when there is none. */
export function parsePrivateKeys(text: string): KeyPair[] {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) throw new BadFormat('there is no OpenSSH private key in it');
  if (blocks.length > LIMITS.keysPerFile) throw new BadFormat(`more than ${LIMITS.keysPerFile} keys`);
  return blocks.flatMap(([, body = '']) => parseBlock(body));
}
