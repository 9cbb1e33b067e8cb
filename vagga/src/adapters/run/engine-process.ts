// The engine of a container as a child of ours that has our descriptors and is waited for.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type Descriptors, spawnProgram } from '@suite/shared/linux/spawn.ts';
import { reap } from '@suite/shared/linux/wait.ts';

/** Signals are no reason for Node to stay, so a timer is; it also finds an end whose signal got lost. */
const LOOK_MS = 1000;

export type EngineEnd =
  /** 128 + N: signal N has ended it. */
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'not-started'; readonly message: string };

export interface EngineProcess {
  isRunning(): boolean;
  /** Nothing when it has ended. */
  kill(signal: NodeJS.Signals): void;
}

type OnEnd = (end: EngineEnd) => void;

function watch(pid: number, onEnd: OnEnd): EngineProcess {
  let isRunning = true;
  const look = () => {
    const end = isRunning ? reap(pid) : undefined;
    if (end === undefined) return;
    isRunning = false;
    clearInterval(timer);
    process.off('SIGCHLD', look);
    onEnd({ kind: 'ended', code: end.status });
  };
  const timer = setInterval(look, LOOK_MS);
  process.on('SIGCHLD', look);
  // It may have ended before anybody listened.
  setImmediate(look);
  return { isRunning: () => isRunning, kill: signal => void (isRunning && process.kill(pid, signal)) };
}

function startQuickly(argv: readonly string[], descriptors: Descriptors, onEnd: OnEnd): EngineProcess {
  const started = spawnProgram(argv, descriptors);
  if ('pid' in started) return watch(started.pid, onEnd);
  setImmediate(onEnd, { kind: 'not-started', message: started.error });
  return { isRunning: () => false, kill: () => {} };
}

export const asEngine = (child: ChildProcess): EngineProcess => ({
  isRunning: () => child.exitCode === null && child.signalCode === null,
  kill: signal => void child.kill(signal),
});

function startWithMore(
  [program = '', ...rest]: readonly string[],
  descriptors: Descriptors,
  more: readonly number[],
  onEnd: OnEnd,
): EngineProcess {
  const child = spawn(program, rest, { stdio: [...descriptors, ...more] });
  child.once('error', ({ message }) => onEnd({ kind: 'not-started', message }));
  child.once('exit', (code, signal) =>
    onEnd({ kind: 'ended', code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) }),
  );
  return asEngine(child);
}

/** `more`: descriptors of ours that become its 3 and up. `onEnd` is not called before this has returned. */
export function startEngine(
  argv: readonly string[],
  descriptors: Descriptors,
  more: readonly number[],
  onEnd: OnEnd,
): EngineProcess {
  return more.length === 0
    ? startQuickly(argv, descriptors, onEnd)
    : startWithMore(argv, descriptors, more, onEnd);
}
