// The program replaced by itself in place: for an upgrade, for a mount namespace of its own, and as PID 1 after a bug.

import type { Logger } from '@suite/shared/cli/log.ts';
import { execInPlace } from '@suite/shared/linux/exec.ts';
import { isMachine } from './machine.ts';
import { NODE_FLAGS } from './memory.ts';

/** Set once this process has been in charge of containers: what follows in it must not end lightly as PID 1. */
const IN_CHARGE = 'LITHOS_TREE_IN_CHARGE';
/** Between a bug and the next image of PID 1: a bug at every start must not eat a core. */
const BUG_PAUSE_MS = 1_000;

export function ownCommandLine(): string[] {
  const flags = new Set([...NODE_FLAGS, ...process.execArgv]);
  return [process.execPath, ...flags, ...process.argv.slice(1)];
}

/** Variables for us and our successor only. */
const kept: Record<string, string> = {};

/** The variable's value; from now on nothing we start inherits it, but `replaceProgram` passes it on. */
export function keepToOurselves(name: string): string | undefined {
  const value = process.env[name] ?? kept[name];
  if (value !== undefined) kept[name] = value;
  delete process.env[name];
  return value;
}

export function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...process.env, ...kept }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

let passOn: () => readonly number[] = () => [];

/** Descriptors that stay open whenever the program is replaced: the next one finds them among its own. */
export function passOnWhenReplaced(fds: () => readonly number[]): void {
  passOn = fds;
}

/** Same pid, same arguments, the program as it is on disk now. Throws when it cannot be executed; nothing changed then. */
export function replaceProgram(): never {
  return execInPlace(process.execPath, ownCommandLine(), ownEnvironment(), passOn());
}

export function takeCharge(): void {
  process.env[IN_CHARGE] = '1';
}

/**
 * PID 1 takes the host along when it ends: with containers in its care it tries again instead. That of a namespace may
 * end while nothing runs yet, that of a machine never: the kernel would panic.
 */
export function mustNotEnd(): boolean {
  return process.pid === 1 && (process.env[IN_CHARGE] === '1' || isMachine());
}

/** Never resolves but when asked to stop: replaces the program after a pause, again and again until it can be done. */
export async function tryAgain(log: (message: string) => void, shouldStop: () => boolean): Promise<void> {
  while (!shouldStop()) {
    await new Promise(resolve => setTimeout(resolve, BUG_PAUSE_MS));
    if (shouldStop()) return;
    try {
      replaceProgram();
    } catch (error) {
      log(`cannot replace the program: ${(error as Error).message}`);
    }
  }
}

/**
 * An exception nobody caught is our bug. The containers do not need us: end, to be started again; PID 1 cannot end
 * without taking the host along, so it replaces itself. `leave`: what is left to do when it is asked to stop meanwhile.
 */
export function outliveBugs(log: Logger, shouldStop: () => boolean, leave: () => Promise<void>): void {
  process.on('uncaughtException', error => {
    log.error(`bug: ${error.stack ?? error.message}`);
    if (process.pid !== 1) process.exit(1);
    void tryAgain(message => log.error(message), shouldStop)
      .then(leave)
      .then(() => process.exit(1));
  });
}
