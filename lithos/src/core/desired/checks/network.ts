// Addresses: enough of them, inside the network, each once.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { isInside, parseAddress, parseNetwork } from '../../../config/addresses.ts';
import type { EntrySources } from '../sources.ts';
import { inEntry, type Rule, type Subject } from './subject.ts';

/** Instances without an address do not run; the others do. */
export const ADDRESS_MISSING = 'address-missing';

/** How many of the wanted instances there is an address for; all, when the entry lists none. */
export function addressedInstances({ entry }: Pick<EntrySources, 'entry'>): number {
  const { instances, ipAddresses } = entry;
  return ipAddresses.length === 0 ? instances : Math.min(instances, ipAddresses.length);
}

function countRule(subject: Subject): Diagnostic[] {
  const { instances, ipAddresses, kind } = subject.entry.entry;
  const isBridged = subject.sandbox.bridgedNetwork !== null;
  const isNeeded = kind === 'Daemon' && instances > 0 && (isBridged || ipAddresses.length > 0);
  if (!isNeeded || ipAddresses.length >= instances) return [];
  if (ipAddresses.length === 0) {
    const message = `sandbox ${subject.sources.name} is bridged: each instance needs an address`;
    return [inEntry(subject, 'no-address', message, [])];
  }
  const message = `${ipAddresses.length} of ${instances} instances have an address, the others do not run`;
  return [inEntry(subject, ADDRESS_MISSING, message, ['ip-addresses'])];
}

function insideRule(subject: Subject): Diagnostic[] {
  const { bridgedNetwork } = subject.sandbox;
  const network = bridgedNetwork === null ? undefined : parseNetwork(bridgedNetwork.network);
  if (network === undefined) return [];
  const { instances, ipAddresses } = subject.entry.entry;
  return ipAddresses.slice(0, instances).flatMap((text, index) => {
    const address = parseAddress(text);
    if (address === undefined || isInside(network, address)) return [];
    const message = `${text} is outside of ${bridgedNetwork?.network}, the network of sandbox ${subject.sources.name}`;
    return [inEntry(subject, 'address-outside', message, ['ip-addresses', index])];
  });
}

export const networkRule: Rule = subject => [...countRule(subject), ...insideRule(subject)];
