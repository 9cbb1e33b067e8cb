// Capability names, as in capabilities(7), written without the `CAP_` that all of them share (with it is fine too).
import { CAPABILITIES } from '@suite/shared/oci/capabilities.ts';
import { s } from '@suite/shared/schema/index.ts';

const NAMES: readonly string[] = CAPABILITIES;
const PREFIX = 'CAP_';

/** `KILL` or `CAP_KILL` → `CAP_KILL`, the form the OCI runtime reads. */
export function capabilityName(text: string): string {
  return text.startsWith(PREFIX) ? text : PREFIX + text;
}

export const CAPABILITY = s.check(s.text(), text =>
  NAMES.includes(capabilityName(text).slice(PREFIX.length))
    ? undefined
    : `${text} is no Linux capability; names are written like KILL or SYS_PTRACE`,
);
