// The network of one instance: that of the host, or an own one with its address on a bridge.
import { parseNetwork } from '../../config/addresses.ts';
import type { BridgedNetworkKeys } from '../../config/network.ts';
import { expand } from './expand.ts';
import type { NetworkSpec } from './types.ts';

const ADDRESS_VARIABLE = 'container_ip';

/** The program itself is taken as it is; an unknown variable becomes empty. */
function afterSetup(command: readonly string[], address: string): string[] {
  const known = new Map([[ADDRESS_VARIABLE, address]]);
  return command.map((word, index) => {
    if (index === 0) return word;
    const missing = expand(word, known).missing.map(name => [name, ''] as const);
    return expand(word, new Map([...known, ...missing])).text;
  });
}

/** Names in `after-setup-command` that nothing gives a value. */
export function unknownInSetup(keys: BridgedNetworkKeys): string[] {
  const known = new Map([[ADDRESS_VARIABLE, '']]);
  return keys.afterSetupCommand.slice(1).flatMap(word => expand(word, known).missing);
}

/** `address`: null for the loopback interface alone; the command is not run then. */
export function networkOf(keys: BridgedNetworkKeys | null, address: string | null): NetworkSpec {
  if (keys === null) return { kind: 'host' };
  return {
    kind: 'bridged',
    bridge: keys.bridge,
    prefixLength: parseNetwork(keys.network)?.prefixLength ?? 0,
    address,
    gateway: keys.defaultGateway,
    afterSetup: address === null ? [] : afterSetup(keys.afterSetupCommand, address),
  };
}
