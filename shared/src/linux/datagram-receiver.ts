// Waits for datagrams on many sockets without looking at them again and again. Node can only wait for sockets of its own,
// so the kernel sends a signal when something came (O_ASYNC), and epoll says on which.
import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { checked, libc } from './native.ts';
import { receiveDatagram } from './unix-datagram.ts';

/** Ignored by whoever has no handler, so a late one harms neither us nor the program we become by exec. */
const SIGNAL = 'SIGURG';
const SIGNAL_NUMBER = 23;
const F_SETFL = 4;
const F_SETOWN = 8;
const F_SETSIG = 10;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** EPOLLIN, and once per arrival: a socket we leave unread for a while is not shown again and again. */
const EPOLLIN_EDGE = 0x80000001 | 0;
/** struct epoll_event is packed on x86 only (sys/epoll.h). */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const DATA_OFFSET = EVENT_BYTES - 8;
const EVENTS_PER_CALL = 64;

/** A sender that floods us gets this many messages read, then a pause; the kernel makes it wait (10 fit into the queue). */
const BURST = 64;
const PAUSE_MS = 100;

const fcntl = libc('int fcntl(int fd, int command, ...)');
const epollCreate = libc('int epoll_create1(int flags)');
const epollControl = libc('int epoll_ctl(int epoll, int operation, int fd, void *event)');
const epollWait = libc('int epoll_wait(int epoll, void *events, int count, int timeout)');

export type OnDatagram = (message: Buffer) => void;

interface Watched {
  readonly onMessage: OnDatagram;
  pause: NodeJS.Timeout | undefined;
}

function event(fd: number): Buffer {
  const bytes = Buffer.alloc(EVENT_BYTES);
  const write = endianness() === 'LE' ? 'writeInt32LE' : 'writeInt32BE';
  bytes[write](EPOLLIN_EDGE, 0);
  bytes[write](fd, DATA_OFFSET);
  return bytes;
}

/** One per process. Messages longer than `maxBytes` are dropped; whoever sends more than some 600 a second has to wait. */
export class DatagramReceiver {
  private readonly epoll = checked('epoll_create1', epollCreate(EPOLL_CLOEXEC));
  private readonly watched = new Map<number, Watched>();
  private readonly ready = Buffer.alloc(EVENT_BYTES * EVENTS_PER_CALL);
  private readonly buffer: Buffer;
  private readonly onSignal = () => this.drain();

  constructor(maxBytes: number) {
    this.buffer = Buffer.alloc(maxBytes);
    process.on(SIGNAL, this.onSignal);
  }

  /** `fd` as `bindDatagram` made it; it is ours to close from now on. */
  add(fd: number, onMessage: OnDatagram): void {
    checked('epoll_ctl', epollControl(this.epoll, EPOLL_CTL_ADD, fd, event(fd)));
    this.watched.set(fd, { onMessage, pause: undefined });
    checked('fcntl', fcntl(fd, F_SETOWN, 'int', process.pid));
    checked('fcntl', fcntl(fd, F_SETSIG, 'int', SIGNAL_NUMBER));
    checked('fcntl', fcntl(fd, F_SETFL, 'int', O_NONBLOCK | O_ASYNC));
    // What came before the signal was switched on.
    this.read(fd);
  }

  /** What is in its queue is lost. Unknown descriptors are fine. */
  remove(fd: number): void {
    const found = this.watched.get(fd);
    if (found === undefined) return;
    clearTimeout(found.pause);
    this.watched.delete(fd);
    epollControl(this.epoll, EPOLL_CTL_DEL, fd, event(fd));
    closeSync(fd);
  }

  /** Tells what has come already, without waiting for the signal. */
  readNow(fd: number): void {
    if (this.watched.get(fd)?.pause === undefined) this.read(fd);
  }

  close(): void {
    process.removeListener(SIGNAL, this.onSignal);
    for (const fd of [...this.watched.keys()]) this.remove(fd);
    closeSync(this.epoll);
  }

  private drain(): void {
    const count = epollWait(this.epoll, this.ready, EVENTS_PER_CALL, 0);
    const read = endianness() === 'LE' ? 'readInt32LE' : 'readInt32BE';
    for (let index = 0; index < count; index++) {
      const fd = this.ready[read](index * EVENT_BYTES + DATA_OFFSET);
      this.readNow(fd);
    }
    if (count === EVENTS_PER_CALL) setImmediate(this.onSignal);
  }

  private read(fd: number): void {
    for (let count = 0; count < BURST; count++) {
      const watched = this.watched.get(fd);
      const size = watched === undefined ? undefined : receiveDatagram(fd, this.buffer);
      if (watched === undefined || size === undefined) return;
      if (size <= this.buffer.length) watched.onMessage(Buffer.from(this.buffer.subarray(0, size)));
    }
    this.pause(fd);
  }

  private pause(fd: number): void {
    const watched = this.watched.get(fd);
    if (watched === undefined) return;
    watched.pause = setTimeout(() => {
      watched.pause = undefined;
      this.read(fd);
    }, PAUSE_MS);
  }
}
