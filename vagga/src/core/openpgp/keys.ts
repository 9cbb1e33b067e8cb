// Public keys as key servers send them (RFC 4880, 9580): from armor to bytes, and which keys these are.

export interface PublicKey {
  /** Upper-case hexadecimal; that of the primary key first, then of its subkeys. */
  readonly fingerprints: readonly string[];
  /** All packets of the key, ready for a keyring. */
  readonly bytes: Uint8Array;
}

interface Packet {
  readonly tag: number;
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

const PUBLIC_KEY = 6;
const PUBLIC_SUBKEY = 14;
const SECRET_KEY = 5;
const ARMOR = /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([\s\S]*?)-----END PGP PUBLIC KEY BLOCK-----/g;

/** Base64 of each block, its headers and checksum left out. */
export function armored(text: string): string[] {
  return [...text.matchAll(ARMOR)].map(([, block = '']) => {
    const [, body = block] = /^(?:[^\n]*:[^\n]*\n)*\r?\n([\s\S]*)$/.exec(block) ?? [];
    return body.replace(/\n=[A-Za-z0-9+/]{4}\s*$/, '').replace(/\s/g, '');
  });
}

/** Length and start of a body with the new packet format; undefined for partial lengths, which keys never have. */
function newLength(bytes: Uint8Array, at: number): { start: number; length: number } | undefined {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  if (first < 192) return { start: at + 1, length: first };
  if (first < 224) return { start: at + 2, length: ((first - 192) << 8) + second + 192 };
  if (first < 255) return undefined;
  return { start: at + 5, length: new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1) };
}

function oldLength(
  bytes: Uint8Array,
  at: number,
  kind: number,
): { start: number; length: number } | undefined {
  if (kind === 3) return undefined;
  const size = 1 << kind;
  let length = 0;
  for (const byte of bytes.subarray(at, at + size)) length = length * 256 + byte;
  return { start: at + size, length };
}

function packetAt(bytes: Uint8Array, start: number): Packet {
  const head = bytes[start] ?? 0;
  if ((head & 0x80) === 0) throw new Error('this is not an OpenPGP key');
  const isNew = (head & 0x40) !== 0;
  const tag = isNew ? head & 0x3f : (head >> 2) & 0x0f;
  const room = bytes.length - start > 6;
  const body = !room
    ? undefined
    : isNew
      ? newLength(bytes, start + 1)
      : oldLength(bytes, start + 1, head & 0x03);
  if (body === undefined || body.start + body.length > bytes.length)
    throw new Error('the OpenPGP key is damaged');
  return { tag, start, bodyStart: body.start, end: body.start + body.length };
}

function packets(bytes: Uint8Array): Packet[] {
  const found: Packet[] = [];
  for (let at = 0; at < bytes.length; at = found.at(-1)?.end ?? bytes.length) found.push(packetAt(bytes, at));
  return found;
}

/** Version 4 only: older keys are broken by today's means, newer ones apt does not read yet. */
function fingerprint(body: Uint8Array, sha1: (bytes: Uint8Array) => string): string | undefined {
  if (body[0] !== 4) return undefined;
  const framed = new Uint8Array(body.length + 3);
  framed.set([0x99, body.length >> 8, body.length & 0xff]);
  framed.set(body, 3);
  return sha1(framed).toUpperCase();
}

/** `sha1` gives hexadecimal. Throws on damage and on secret keys. */
export function publicKeys(bytes: Uint8Array, sha1: (bytes: Uint8Array) => string): PublicKey[] {
  const all = packets(bytes);
  if (all.some(({ tag }) => tag === SECRET_KEY)) throw new Error('this is a secret key');
  const starts = all.flatMap(({ tag }, index) => (tag === PUBLIC_KEY ? [index] : []));
  return starts.map((first, index) => {
    const own = all.slice(first, starts[index + 1]);
    const keys = own.filter(({ tag }) => tag === PUBLIC_KEY || tag === PUBLIC_SUBKEY);
    const prints = keys.map(({ bodyStart, end }) => fingerprint(bytes.subarray(bodyStart, end), sha1));
    return {
      fingerprints: prints.filter(print => print !== undefined),
      bytes: bytes.subarray(own[0]?.start, own.at(-1)?.end),
    };
  });
}

/** `id`: the last 8, 16 or all 40 digits of a fingerprint, with or without `0x`. */
export function isKey(key: PublicKey, id: string): boolean {
  const digits = id.replace(/^0x/, '').toUpperCase();
  return key.fingerprints.some(print => print.endsWith(digits));
}
