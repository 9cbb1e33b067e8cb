// The socket calls and constants that several kinds of sockets need (sys/socket.h, asm-generic/socket.h).
import { libc } from './native.ts';

export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEPORT = 15;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

export const socket = libc('int socket(int family, int type, int protocol)');
export const bind = libc('int bind(int fd, const void *address, int length)');
export const setsockopt = libc('int setsockopt(int fd, int level, int name, const void *value, int length)');
