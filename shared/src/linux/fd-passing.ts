// Descriptors sent over a unix socket. As long as a message waits in the socket's queue, what it carries stays open, whoever
// sent it and whether it still lives.
import { endianness } from 'node:os';
import { addressOf, checked, libc, systemError } from './native.ts';
import { AF_UNIX } from './socket-address.ts';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  setsockopt,
} from './socket-calls.ts';

const SOCK_SEQPACKET = 5;
const SCM_RIGHTS = 1;
const SO_SNDBUFFORCE = 32;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** struct msghdr, iovec and cmsghdr on 64-bit Linux. */
const MSGHDR = { bytes: 56, iov: 16, iovCount: 24, control: 32, controlBytes: 40 } as const;
const IOVEC_BYTES = 16;
const CMSGHDR_BYTES = 16;
const FD_BYTES = 4;
const CONTROL_AT = MSGHDR.bytes + IOVEC_BYTES;
const FDS_AT = CONTROL_AT + CMSGHDR_BYTES;

/** SCM_MAX_FD of the kernel. */
const FDS_MAX = 253;
/** Of a message; longer ones are cut. */
const TEXT_BYTES = 4_096;

const socketpair = libc('int socketpair(int family, int type, int protocol, int *fds)');
const sendmsg = libc('long sendmsg(int fd, const void *message, int flags)');
const recvmsg = libc('long recvmsg(int fd, void *message, int flags)');

if (endianness() !== 'LE') throw new Error('only little-endian machines are known here');

/** Two ends that keep messages apart; non-blocking, close-on-exec. `queueBytes`: room for what waits (root only). */
export function socketPair(queueBytes: number): [number, number] {
  const fds = Buffer.alloc(2 * FD_BYTES);
  checked('socketpair', socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
  const size = Buffer.alloc(4);
  size.writeInt32LE(queueBytes);
  const pair: [number, number] = [fds.readInt32LE(0), fds.readInt32LE(FD_BYTES)];
  // Without that right the queue is shorter, which the sender is told.
  setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, size, size.length);
  return pair;
}

/**
 * struct msghdr with what it points to, in one piece so that none of it can go away: header, vector, control data, text.
 * The text is at the returned offset.
 */
function message(
  controlBytes: number,
  textBytes: number,
): { readonly bytes: Buffer; readonly textAt: number } {
  const textAt = CONTROL_AT + controlBytes;
  const bytes = Buffer.alloc(textAt + textBytes);
  const start = addressOf(bytes);
  bytes.writeBigUInt64LE(start + BigInt(MSGHDR.bytes), MSGHDR.iov);
  bytes.writeBigUInt64LE(1n, MSGHDR.iovCount);
  bytes.writeBigUInt64LE(start + BigInt(CONTROL_AT), MSGHDR.control);
  bytes.writeBigUInt64LE(BigInt(controlBytes), MSGHDR.controlBytes);
  bytes.writeBigUInt64LE(start + BigInt(textAt), MSGHDR.bytes);
  bytes.writeBigUInt64LE(BigInt(textBytes), MSGHDR.bytes + 8);
  return { bytes, textAt };
}

/** False: the queue is full. At most 253 descriptors; `text` not empty. */
export function sendFds(socket: number, text: string, fds: readonly number[]): boolean {
  const data = Buffer.from(text);
  const { bytes, textAt } = message(CMSGHDR_BYTES + Math.ceil((fds.length * FD_BYTES) / 8) * 8, data.length);
  bytes.writeBigUInt64LE(BigInt(CMSGHDR_BYTES + fds.length * FD_BYTES), CONTROL_AT);
  bytes.writeInt32LE(SOL_SOCKET, CONTROL_AT + 8);
  bytes.writeInt32LE(SCM_RIGHTS, CONTROL_AT + 12);
  for (const [index, fd] of fds.entries()) bytes.writeInt32LE(fd, FDS_AT + index * FD_BYTES);
  data.copy(bytes, textAt);
  if (Number(sendmsg(socket, bytes, MSG_NOSIGNAL | MSG_DONTWAIT)) >= 0) return true;
  const error = systemError('sendmsg');
  if (error.code === 'EAGAIN') return false;
  throw error;
}

/** The oldest message, with new descriptors of ours, close-on-exec; undefined: none waits, or nobody can send any more. */
export function receiveFds(
  socket: number,
): { readonly text: string; readonly fds: readonly number[] } | undefined {
  const { bytes, textAt } = message(CMSGHDR_BYTES + (FDS_MAX + 1) * FD_BYTES, TEXT_BYTES);
  const size = Number(recvmsg(socket, bytes, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
  if (size < 0) {
    const error = systemError('recvmsg');
    if (error.code === 'EAGAIN') return undefined;
    throw error;
  }
  if (size === 0) return undefined;
  const given = Number(bytes.readBigUInt64LE(MSGHDR.controlBytes));
  const length = given === 0 ? 0 : Number(bytes.readBigUInt64LE(CONTROL_AT)) - CMSGHDR_BYTES;
  const fds = Array.from({ length: length / FD_BYTES }, (_, index) =>
    bytes.readInt32LE(FDS_AT + index * FD_BYTES),
  );
  return { text: bytes.toString('utf8', textAt, textAt + size), fds };
}
