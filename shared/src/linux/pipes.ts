// Pipes by the calls that Node lacks: looking into one without taking anything out, moving bytes into a file in one step.
import { checked, libc, systemError } from './native.ts';

const SPLICE_F_NONBLOCK = 2;
const O_CLOEXEC = 0o2000000;
const POLLIN = 1;
const POLLHUP = 0x10;
/** struct pollfd: int fd, short events, short revents. */
const POLLFD_BYTES = 8;

const cPipe2 = libc('int pipe2(int *fds, int flags)');
const cTee = libc('long tee(int from, int to, size_t length, unsigned int flags)');
const cSplice = libc(
  'long splice(int from, void *fromOffset, int to, int64_t *toOffset, size_t length, unsigned int flags)',
);
const cPoll = libc('int poll(void *fds, unsigned long count, int timeoutMs)');

/** [read end, write end], close-on-exec. */
export function makePipe(): [number, number] {
  const fds = Buffer.alloc(8);
  checked('pipe2', cPipe2(fds, O_CLOEXEC));
  return [fds.readInt32LE(0), fds.readInt32LE(4)];
}

/** Bytes copied from one pipe to another, which both keep; undefined: nothing there now. 0: no writer is left either. */
export function tee(from: number, to: number, maxBytes: number): number | undefined {
  const count = Number(cTee(from, to, maxBytes, SPLICE_F_NONBLOCK));
  if (count >= 0) return count;
  const error = systemError('tee');
  if (error.code === 'EAGAIN') return undefined;
  throw error;
}

/**
 * Moves up to `length` bytes out of a pipe into a file at `offset`: who is killed meanwhile has neither lost nor doubled
 * one. The file must not be open for appending. Throws EINVAL where the file system cannot, ENOSPC and so on.
 */
export function spliceToFile(pipe: number, file: number, offset: number, length: number): number {
  return checked('splice', Number(cSplice(pipe, null, file, [offset], length, SPLICE_F_NONBLOCK)));
}

/** Which of the pipes have something to read, or no writer any more; does not wait. */
export function readablePipes(fds: readonly number[]): Set<number> {
  const list = Buffer.alloc(fds.length * POLLFD_BYTES);
  for (const [index, fd] of fds.entries()) {
    list.writeInt32LE(fd, index * POLLFD_BYTES);
    list.writeInt16LE(POLLIN, index * POLLFD_BYTES + 4);
  }
  checked('poll', cPoll(list, fds.length, 0));
  const answer = (index: number) => list.readInt16LE(index * POLLFD_BYTES + 6);
  return new Set(fds.filter((_, index) => (answer(index) & (POLLIN | POLLHUP)) !== 0));
}
