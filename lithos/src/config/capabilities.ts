// Capability names, as in capabilities(7), written without the `CAP_` that all of them share (with it is fine too).
import { s } from '@suite/shared/schema/index.ts';

const CAPABILITY_NAMES: readonly string[] = [
  'AUDIT_CONTROL',
  'AUDIT_READ',
  'AUDIT_WRITE',
  'BLOCK_SUSPEND',
  'BPF',
  'CHECKPOINT_RESTORE',
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'IPC_LOCK',
  'IPC_OWNER',
  'KILL',
  'LEASE',
  'LINUX_IMMUTABLE',
  'MAC_ADMIN',
  'MAC_OVERRIDE',
  'MKNOD',
  'NET_ADMIN',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_RAW',
  'PERFMON',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYSLOG',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_CHROOT',
  'SYS_MODULE',
  'SYS_NICE',
  'SYS_PACCT',
  'SYS_PTRACE',
  'SYS_RAWIO',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'WAKE_ALARM',
];

const PREFIX = 'CAP_';

/** `KILL` or `CAP_KILL` → `CAP_KILL`, the form the OCI runtime reads. */
export function capabilityName(text: string): string {
  return text.startsWith(PREFIX) ? text : PREFIX + text;
}

export const CAPABILITY = s.check(s.text(), text =>
  CAPABILITY_NAMES.includes(capabilityName(text).slice(PREFIX.length))
    ? undefined
    : `${text} is no Linux capability; names are written like KILL or SYS_PTRACE`,
);
