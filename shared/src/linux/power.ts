import { checked, libc } from './native.ts';

export type PowerAction = 'power-off' | 'reboot' | 'halt';

/** reboot(2) commands of uapi/linux/reboot.h, as the signed numbers the C prototype wants. */
const COMMANDS: Readonly<Record<PowerAction, number>> = {
  'power-off': 0x4321fedc,
  reboot: 0x01234567,
  halt: 0xcdef0123 | 0,
};

const reboot = libc('int reboot(int command)');
const sync = libc('void sync()');

/** Writes everything that waits in memory to the disks; returns when it is there. */
export function syncDisks(): void {
  sync();
}

/** Ends the machine, or in another pid namespace its first process. Nothing is written or asked any more. */
export function endMachine(action: PowerAction): void {
  checked('reboot', reboot(COMMANDS[action]));
}
