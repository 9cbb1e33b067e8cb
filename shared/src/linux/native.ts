import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import type koffi from 'koffi';

type Koffi = typeof koffi;
type Call = (...args: unknown[]) => number;

let loaded: { readonly koffi: Koffi; readonly library: ReturnType<Koffi['load']> } | undefined;

/**
 * The build puts the binary beside the bundles: that alone loads in 0.8 ms, the package in 4, and finding the package takes as
 * long. What the package adds, old names with warnings, nobody here uses.
 */
function koffiItself(): Koffi {
  try {
    const module = { exports: {} as Koffi };
    process.dlopen(module, join(__dirname, 'koffi.node'));
    return module.exports;
  } catch {
    return require('koffi') as Koffi;
  }
}

/** Paid at the first call, by the commands that make one. */
function load() {
  if (loaded === undefined) {
    const koffi = koffiItself();
    loaded = { koffi, library: koffi.load('libc.so.6') };
  }
  return loaded;
}

/** A function of libc by its C prototype, looked up at its first call. */
export function libc(prototype: string): Call {
  let call: Call | undefined;
  return (...args) => {
    call ??= load().library.func(prototype) as unknown as Call;
    return call(...args);
  };
}

/** As the errors of `node:fs`: `code` is `EPERM` and so on. Only right after a call that returned -1. */
export function systemError(call: string): NodeJS.ErrnoException {
  const errno = load().koffi.errno();
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call}: ${code}`), { code, errno: -errno, syscall: call });
}

/** Returns the result of a call, or throws what errno says. */
export function checked(call: string, result: number): number {
  if (result < 0) throw systemError(call);
  return result;
}

/** Where the bytes are, for structures that point to others. The buffer must stay referenced as long as that counts. */
export function addressOf(buffer: Buffer): bigint {
  return load().koffi.address(buffer) as bigint;
}
