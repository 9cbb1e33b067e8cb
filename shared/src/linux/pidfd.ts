import { checked, libc } from './native.ts';

/** The same on every architecture; called by number because glibc has names for them only since 2.36. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;

const syscall = libc('long syscall(long number, ...)');

/** A descriptor that means this very process, whatever gets its pid later. Close-on-exec. */
export function pidfdOpen(pid: number): number {
  return checked('pidfd_open', Number(syscall(SYS_PIDFD_OPEN, 'int', pid, 'uint', 0)));
}

/** A copy of another process's descriptor (needs ptrace rights over it). Close-on-exec. */
export function pidfdGetFd(pidfd: number, fd: number): number {
  return checked('pidfd_getfd', Number(syscall(SYS_PIDFD_GETFD, 'int', pidfd, 'int', fd, 'uint', 0)));
}
