// Which of several encrypted values counts: keys outside, values inside, the first that can be decrypted and is allowed.
import { BadFormat } from './bytes.ts';
import type { KeyPair } from './openssh.ts';
import { decrypt, parseSecretString } from './secret-string.ts';

export interface Access {
  readonly keys: readonly KeyPair[];
  readonly namespaces: readonly string[];
}

function tryOne(text: string, key: KeyPair, namespaces: readonly string[]): string {
  const { namespace, secret } = decrypt(parseSecretString(text), key);
  if (!namespaces.includes(namespace))
    throw new BadFormat(`its namespace \`${namespace}\` is not one of this sandbox's`);
  if (secret.includes('\0')) throw new BadFormat('there is a NUL in it, which no environment can hold');
  return secret;
}

/** Throws BadFormat with why each value was no use; never with what is in it. */
export function chooseSecret(values: readonly string[], { keys, namespaces }: Access): string {
  const reasons = new Set<string>();
  for (const key of keys) {
    for (const text of values) {
      try {
        return tryOne(text, key, namespaces);
      } catch (error) {
        if (!(error instanceof BadFormat)) throw error;
        reasons.add(error.message);
      }
    }
  }
  throw new BadFormat([...reasons].join('; '));
}
