// libsodium's crypto_box_seal: anyone with the public key can write a message that only the owner of the private key
// reads. Layout: ephemeral X25519 public key (32 bytes), then the XSalsa20-Poly1305 box (tag first).
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { blake2b } from '@noble/hashes/blake2.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
/** "expand 32-byte k", the constant of the Salsa20 family, as little-endian words. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

function words(bytes: Uint8Array): Uint32Array {
  // A copy: the view needs an offset that is a multiple of four.
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/** crypto_box_beforenm: the shared secret of X25519 is not uniform, so it is hashed into a key. */
function boxKey(secret: Uint8Array, theirPublic: Uint8Array): Uint8Array {
  const key = new Uint32Array(8);
  hsalsa(SIGMA, words(x25519.getSharedSecret(secret, theirPublic)), new Uint32Array(4), key);
  return new Uint8Array(key.buffer);
}

function nonceOf(ephemeral: Uint8Array, recipient: Uint8Array): Uint8Array {
  return blake2b(Buffer.concat([ephemeral, recipient]), { dkLen: NONCE_BYTES });
}

/** `recipient`: an ed25519 public key. `ephemeralSecret`: 32 random bytes that are used once. */
export function seal(message: Uint8Array, recipient: Uint8Array, ephemeralSecret: Uint8Array): Buffer {
  const theirs = ed25519.utils.toMontgomery(recipient);
  const ephemeral = x25519.getPublicKey(ephemeralSecret);
  const box = xsalsa20poly1305(boxKey(ephemeralSecret, theirs), nonceOf(ephemeral, theirs)).encrypt(message);
  return Buffer.concat([ephemeral, box]);
}

/** `seed`: of the recipient's ed25519 key. Undefined: not for this key, or changed on the way. */
export function open(sealed: Uint8Array, seed: Uint8Array): Buffer | undefined {
  if (sealed.length < KEY_BYTES + TAG_BYTES) return undefined;
  const secret = ed25519.utils.toMontgomerySecret(seed);
  const ephemeral = sealed.subarray(0, KEY_BYTES);
  try {
    const nonce = nonceOf(ephemeral, x25519.getPublicKey(secret));
    return Buffer.from(
      xsalsa20poly1305(boxKey(secret, ephemeral), nonce).decrypt(sealed.subarray(KEY_BYTES)),
    );
  } catch {
    return undefined;
  }
}
