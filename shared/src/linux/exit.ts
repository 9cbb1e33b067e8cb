import { libc } from './native.ts';

const exitOfKernel = libc('void _exit(int code)');

/**
 * Ends without taking Node apart, which lasts 0.9 ms: for who has no more to say. Who listens for `exit` is heard; what Node knows
 * of a terminal (it gives back the settings it has found) is the caller's to think of.
 */
export function exitAtOnce(code: number): never {
  if (process.listenerCount('exit') === 0) exitOfKernel(code);
  process.exit(code);
}
