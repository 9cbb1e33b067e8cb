// The rights that we have ourselves: nobody can give more.
import { readFileSync } from 'node:fs';
import { CAPABILITIES } from '@suite/shared/oci/capabilities.ts';

/** Root of a container or of a restricted machine lacks some. */
export function heldCapabilities(): readonly string[] {
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const bits = BigInt(`0x${mask}`);
  return CAPABILITIES.filter((_, index) => (bits & (1n << BigInt(index))) !== 0n);
}
