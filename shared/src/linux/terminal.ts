// Terminals by the calls of libc: `node:tty` and `process.stdout` bring 25 modules, and `stty` is a program to start.
import { fstatSync } from 'node:fs';
import { devMajor } from './device-numbers.ts';
import { libc } from './native.ts';

/** /dev/null and its like (devices.txt of the kernel). */
const MAJOR_OF_MEMORY = 1;

/** At least sizeof(struct termios) and sizeof(sigset_t). */
const STRUCTURE_BYTES = 256;
/** <asm-generic/ioctls.h>, struct winsize: rows and columns, 16 bits each. */
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const WINSIZE_BYTES = 8;
/** <termios.h>: first what has been written goes out. */
const TCSADRAIN = 1;
const [SIG_BLOCK, SIG_SETMASK] = [0, 2];
const SIGTTOU = 22;

const isattyOfLibc = libc('int isatty(int fd)');
const ioctl = libc('int ioctl(int fd, unsigned long request, void *data)');
const tcgetattr = libc('int tcgetattr(int fd, void *settings)');
const tcsetattr = libc('int tcsetattr(int fd, int when, const void *settings)');
const sigmask = libc('int pthread_sigmask(int how, const void *signals, void *before)');

/** As isatty(3). */
export function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && devMajor(stat.rdev) !== MAJOR_OF_MEMORY && isattyOfLibc(fd) === 1;
  } catch {
    return false; // It is closed.
  }
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Undefined: `fd` is no terminal. */
export function terminalSize(fd: number): TerminalSize | undefined {
  const size = Buffer.alloc(WINSIZE_BYTES);
  if (ioctl(fd, TIOCGWINSZ, size) !== 0) return undefined;
  return { height: size.readUInt16LE(0), width: size.readUInt16LE(2) };
}

/** Its programs are told by the kernel (SIGWINCH). */
export function resizeTerminal(fd: number, { width, height }: TerminalSize): void {
  const size = Buffer.alloc(WINSIZE_BYTES);
  size.writeUInt16LE(height, 0);
  size.writeUInt16LE(width, 2);
  ioctl(fd, TIOCSWINSZ, size);
}

/** Echo, keys of signals and so on (struct termios); undefined: they cannot be told. */
export function terminalSettings(fd: number): Buffer | undefined {
  const settings = Buffer.alloc(STRUCTURE_BYTES);
  return tcgetattr(fd, settings) === 0 ? settings : undefined;
}

/** Also from the background, where the kernel else stops who tries. */
export function setTerminal(fd: number, settings: Buffer): void {
  const [blocked, before] = [Buffer.alloc(STRUCTURE_BYTES), Buffer.alloc(STRUCTURE_BYTES)];
  blocked.writeUInt32LE(2 ** (SIGTTOU - 1), 0);
  sigmask(SIG_BLOCK, blocked, before);
  tcsetattr(fd, TCSADRAIN, settings);
  sigmask(SIG_SETMASK, before, null);
}
