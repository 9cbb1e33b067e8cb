// Named pipes and devices, which Node cannot make.
import { deviceNumber } from './device-numbers.ts';
import { checked, libc } from './native.ts';

/** sys/stat.h */
const KINDS = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

export interface FileNode {
  readonly kind: keyof typeof KINDS;
  /** Of devices. */
  readonly major?: number;
  readonly minor?: number;
}

const mknod = libc('int mknod(const uint8_t *path, unsigned int mode, ulong device)');

/**
 * Mode 0, to be changed by the caller. Never follows or replaces what is there (EEXIST). Devices need CAP_MKNOD in the first user
 * namespace (EPERM), except 0:0, the mark of overlayfs (Linux 5.8).
 */
export function makeNode(path: Buffer, { kind, major = 0, minor = 0 }: FileNode): void {
  checked('mknod', mknod(Buffer.concat([path, Buffer.from([0])]), KINDS[kind], deviceNumber(major, minor)));
}
