// Decrypts what a container's configuration has as encrypted values, into its environment. The clear text is only ever
// in the bundle, which lies in a directory that root alone may enter, on a file system that is gone after a reboot.
import { stat } from 'node:fs/promises';
import type { Disk } from '@suite/shared/ports/index.ts';
import { FileTooLarge } from '@suite/shared/ports/index.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import { secretEnvironSchema } from '../../config/container.ts';
import { LIMITS } from '../../config/defaults.ts';
import type { DesiredInstance, SecretSpec } from '../../core/desired/types.ts';
import type { Attachment, BundlePart } from '../attachment.ts';
import { lookUp } from '../image.ts';
import { readConfig, type Texts } from '../read-yaml.ts';
import type { KeyPair } from './openssh.ts';

/** Read and write for the owner. */
const PRIVATE_MODE = 0o600;
const PERMISSIONS = 0o7777;

/** A key that others can read is no secret; who starts containers must know before it is used. */
async function readKeys(disk: Disk, file: string): Promise<KeyPair[]> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw new Error(`\`secrets-private-key\` ${file} does not exist`);
  if (found.uid !== 0)
    throw new Error(`\`secrets-private-key\` ${file} must belong to root, not to user ${found.uid}`);
  if ((found.mode & PERMISSIONS & ~PRIVATE_MODE) !== 0)
    throw new Error(`\`secrets-private-key\` ${file} may be read by others: chmod 600 ${file}`);
  try {
    const { parsePrivateKeys } = await import('./openssh.ts');
    return parsePrivateKeys((await disk.readText(file, LIMITS.keyFileBytes)) ?? '');
  } catch (error) {
    const why =
      error instanceof FileTooLarge
        ? `it has more than ${LIMITS.keyFileBytes} bytes`
        : (error as Error).message;
    throw new Error(`\`secrets-private-key\` ${file}: ${why}`);
  }
}

type Values = Readonly<Record<string, readonly string[]>>;

async function fileValues(disk: Disk, imageRoot: string, file: string): Promise<Values> {
  const found = await lookUp(imageRoot, file);
  if (found.kind !== 'file') throw new Error(`\`secret-environ-file\` ${file} is no file of the image`);
  const texts: Texts = new Map();
  const read = await readConfig(disk, secretEnvironSchema, found.hostPath, texts);
  if (!read.ok) throw new Error(printDiagnostics(read.errors, texts, { colour: false }).trimEnd());
  return Object.fromEntries(
    Object.entries(read.value.value).map(([name, value]) => [
      name,
      typeof value === 'string' ? [value] : value,
    ]),
  );
}

/** The cryptography is loaded by the first container that needs it: most trees never do. */
async function decryptAll(
  values: Values,
  keys: readonly KeyPair[],
  namespaces: readonly string[],
): Promise<Record<string, string>> {
  const { chooseSecret } = await import('./choose.ts');
  const access = { keys, namespaces };
  const clear = Object.entries(values).map(([name, texts]) => {
    try {
      return [name, chooseSecret(texts, access)];
    } catch (error) {
      throw new Error(`the secret \`${name}\` cannot be used: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(clear);
}

/** The secrets of one instance in clear text. Throws with a sentence that names the variable and never its value. */
async function secretEnvironment(
  disk: Disk,
  imageRoot: string,
  { environ, file, keyFile, namespaces }: SecretSpec,
): Promise<Record<string, string>> {
  const keys = await readKeys(disk, keyFile);
  const values = file === null ? environ : await fileValues(disk, imageRoot, file);
  return await decryptAll(values, keys, namespaces);
}

export class Secrets implements Attachment {
  readonly concern = 'secrets';
  private readonly disk: Disk;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  async prepare(desired: DesiredInstance): Promise<BundlePart> {
    const { secrets, imageRoot } = desired;
    if (secrets === null) return {};
    const clear = await secretEnvironment(this.disk, imageRoot, secrets);
    // Who the container is stays ours to say, whatever a secret is called.
    const { LITHOS_NAME, LITHOS_CONFIG } = desired.environ;
    return { env: { ...clear, LITHOS_NAME: LITHOS_NAME ?? '', LITHOS_CONFIG: LITHOS_CONFIG ?? '' } };
  }
}
