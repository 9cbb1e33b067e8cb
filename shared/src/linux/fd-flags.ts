import { checked, libc } from './native.ts';

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;

const fcntl = libc('int fcntl(int fd, int command, ...)');

/** Whether a program that is executed next loses the descriptor. Node opens all of its own that way. */
export function setCloseOnExec(fd: number, on: boolean): void {
  checked('fcntl', fcntl(fd, F_SETFD, 'int', on ? FD_CLOEXEC : 0));
}

export function isCloseOnExec(fd: number): boolean {
  return (checked('fcntl', fcntl(fd, F_GETFD)) & FD_CLOEXEC) !== 0;
}

/** Of the open file, and so for everybody who has a copy of the descriptor. */
export function setNonBlocking(fd: number, on: boolean): void {
  const flags = checked('fcntl', fcntl(fd, F_GETFL));
  if (((flags & O_NONBLOCK) !== 0) === on) return;
  checked('fcntl', fcntl(fd, F_SETFL, 'int', on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/** From now on every write through this open file, whoever makes it, goes to the end of the file. */
export function makeAppending(fd: number): void {
  const flags = checked('fcntl', fcntl(fd, F_GETFL));
  checked('fcntl', fcntl(fd, F_SETFL, 'int', flags | O_APPEND));
}
