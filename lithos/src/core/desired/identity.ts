// The identity of an instance: two instances with equal text are the same desired state, so the old one is kept.
import type { ProcessEntry } from '../../config/process.ts';

function sorted(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Addresses = { readonly ip_address?: string } | { readonly ip_addresses?: readonly string[] };

/** Fields in a fixed order, empty optional ones left out, maps sorted: the text depends on the meaning only. */
function compact(entry: ProcessEntry, instances: number, addresses: Addresses): object {
  const { image, config, variables, extraSecretsNamespaces, kind } = entry;
  return {
    instances,
    image,
    config,
    ...(Object.keys(variables).length > 0 && { variables: sorted(variables) }),
    ...(extraSecretsNamespaces.length > 0 && { extra_secrets_namespaces: extraSecretsNamespaces }),
    ...addresses,
    kind,
  };
}

/**
 * Compact JSON: instances (always 1), image, config, variables, extra_secrets_namespaces, ip_address, kind. What is not
 * in it (the content of the container file, the sandbox, the master config) never restarts anything.
 */
export function identityOf(entry: ProcessEntry, index: number): string {
  const address = entry.ipAddresses[index];
  return JSON.stringify(compact(entry, 1, address === undefined ? {} : { ip_address: address }));
}

/** All entries of one sandbox, as a line of the config history shows them. */
export function historyOf(entries: Readonly<Record<string, ProcessEntry>>): string {
  const names = Object.keys(entries).sort();
  return JSON.stringify(
    Object.fromEntries(
      names.map(name => {
        const entry = entries[name] as ProcessEntry;
        const addresses = entry.ipAddresses.length > 0 ? { ip_addresses: entry.ipAddresses } : {};
        return [name, compact(entry, entry.instances, addresses)];
      }),
    ),
  );
}
