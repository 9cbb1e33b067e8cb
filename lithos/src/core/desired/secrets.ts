// The encrypted values of one process entry, as configured; nothing is decrypted here.
import type { ContainerKeys } from '../../config/container.ts';
import type { ProcessEntry } from '../../config/process.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';
import type { SecretSpec } from './types.ts';

/** A sandbox that lists no namespaces has the one without a name. */
const UNNAMED = [''];

export function wantsSecrets({ secretEnviron, secretEnvironFile }: ContainerKeys): boolean {
  return Object.keys(secretEnviron).length > 0 || secretEnvironFile !== null;
}

/** Absolute in the image; a relative path begins in the directory of the container config. */
export function fileInImage(configPath: string, file: string): string {
  return file.startsWith('/') ? file : `${configPath.slice(0, configPath.lastIndexOf('/'))}/${file}`;
}

/** Null when nothing is encrypted, or there is no key (an error that the checks report). */
export function secretsOf(
  sandbox: SandboxKeys,
  entry: ProcessEntry,
  container: ContainerKeys,
): SecretSpec | null {
  const { secretEnviron, secretEnvironFile } = container;
  if (!wantsSecrets(container) || sandbox.secretsPrivateKey === null) return null;
  const own = sandbox.secretsNamespaces.length > 0 ? sandbox.secretsNamespaces : UNNAMED;
  const values = Object.entries(secretEnviron).map(([name, value]) => [
    name,
    typeof value === 'string' ? [value] : value,
  ]);
  return {
    environ: Object.fromEntries(values),
    file: secretEnvironFile === null ? null : fileInImage(entry.config, secretEnvironFile),
    keyFile: sandbox.secretsPrivateKey,
    namespaces: [...new Set([...own, ...entry.extraSecretsNamespaces])],
  };
}
