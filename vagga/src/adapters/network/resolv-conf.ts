// The host's own name server, as it is reached over the gateway.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST_IP } from '../../core/network/gateway.ts';

/** Path of the new file. */
export function writeResolvConf(directory: string): string {
  const path = join(directory, 'resolv.conf');
  writeFileSync(path, `nameserver ${HOST_IP}\n`);
  return path;
}
