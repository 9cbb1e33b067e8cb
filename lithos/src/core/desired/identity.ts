// The identity of an instance: two instances with equal text are the same desired state, so the old one is kept.
import type { ProcessEntry } from '../../config/process.ts';

type Entry = Pick<ProcessEntry, 'image' | 'config' | 'variables' | 'kind'>;

function sorted(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Compact JSON, fields in the order instances, image, config, variables, kind; empty optional fields left out and
 * maps sorted, so that the text depends on the meaning only. What is not in it (the content of the container
 * file, the sandbox, the master config) never restarts anything.
 */
export function identityOf(entry: Entry): string {
  const variables = Object.keys(entry.variables).length > 0 ? { variables: sorted(entry.variables) } : {};
  return JSON.stringify({
    instances: 1,
    image: entry.image,
    config: entry.config,
    ...variables,
    kind: entry.kind,
  });
}

/** All entries of one sandbox, as a line of the config history shows them. */
export function historyOf(entries: Readonly<Record<string, ProcessEntry>>): string {
  const names = Object.keys(entries).sort();
  return JSON.stringify(
    Object.fromEntries(
      names.map(name => {
        const entry = entries[name] as ProcessEntry;
        return [name, { ...(JSON.parse(identityOf(entry)) as object), instances: entry.instances }];
      }),
    ),
  );
}
