// `bridged-network` of a sandbox: containers get network namespaces of their own, joined to a bridge of the host.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { addressSchema, networkSchema } from './addresses.ts';

/** Names of interfaces end at 15 bytes in Linux. */
const INTERFACE = /^[^\s/:]{1,15}$/;

export const bridgedNetworkSchema = s.struct({
  bridge: s.required(
    s.text({ pattern: INTERFACE, hint: 'the name of a bridge, such as br0' }),
    'Name of a bridge that exists on the host.',
  ),
  network: s.required(networkSchema, 'Network of the addresses, with the length of its prefix.'),
  'default-gateway': s.withDefault(s.nullable(addressSchema), null, 'Default route of the containers.'),
  'after-setup-command': s.withDefault(
    s.list(s.text()),
    [],
    'Command line run on the host in the new network, as root; `@{container_ip}` is replaced.',
  ),
});

export type BridgedNetworkKeys = Infer<typeof bridgedNetworkSchema>;
