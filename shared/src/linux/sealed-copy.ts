import { closeSync, readFileSync, writeSync } from 'node:fs';
import { checked, libc } from './native.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** SEAL, SHRINK, GROW and WRITE: nobody can change it any more, us included. */
const ALL_SEALS = 15;

const memfdCreate = libc('int memfd_create(const char *name, uint flags)');
const fcntl = libc('int fcntl(int fd, int command, ...)');

/** Path of a copy of a program in memory that nobody can change. Holds as long as this process lives and is not replaced. */
export function sealedCopy(program: string): string {
  const fd = checked('memfd_create', memfdCreate('sealed', MFD_CLOEXEC | MFD_ALLOW_SEALING));
  try {
    writeWhole(fd, readFileSync(program));
    checked('fcntl', fcntl(fd, F_ADD_SEALS, 'int', ALL_SEALS));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return `/proc/${process.pid}/fd/${fd}`;
}

function writeWhole(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) done += writeSync(fd, data, done);
}
