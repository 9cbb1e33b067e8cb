// Programs that a build runs: own process group, output to the build's log, ended when the build is aborted.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { endWithUs } from '../oci/engine.ts';

export interface ChildOptions {
  readonly log: { write(data: Buffer): void };
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** stdout goes to this new file instead of the log. */
  readonly outputFile?: string;
  /** Ends what the program has started elsewhere, when it did not end itself in time. */
  readonly forceEnd?: () => void;
}

/** Time for package tools to finish the file they write. */
const ORDERLY_END_MS = 4000;

/** `undefined` when it ended well, else what happened, e.g. `exited with code 2`. Never rejects. */
export async function runChild(argv: readonly string[], options: ChildOptions): Promise<string | undefined> {
  if (options.signal.aborted) return 'was interrupted';
  const output = options.outputFile === undefined ? 'pipe' : openSync(options.outputFile, 'w', 0o644);
  try {
    return await started(argv, options, output);
  } finally {
    if (typeof output === 'number') closeSync(output);
  }
}

/** What a program says on its two outputs keeps its order only in one pipe. */
const throughOnePipe = (argv: readonly string[]): string[] => [
  '/bin/sh',
  '-c',
  'exec "$@" 2>&1',
  'sh',
  ...argv,
];

function started(
  argv: readonly string[],
  options: ChildOptions,
  output: 'pipe' | number,
): Promise<string | undefined> {
  const { log, signal, env, forceEnd } = options;
  const words = output === 'pipe' ? throughOnePipe(argv) : argv;
  const [program = '', ...rest] = endWithUs('TERM', words);
  return new Promise(resolve => {
    const child = spawn(program, rest, {
      stdio: ['ignore', output, 'pipe'],
      detached: true,
      ...(env !== undefined && { env: { ...env } }),
    });
    child.stdout?.on('data', (chunk: Buffer) => log.write(chunk));
    child.stderr?.on('data', (chunk: Buffer) => log.write(chunk));
    const abort = () => endGroup(child, forceEnd);
    signal.addEventListener('abort', abort, { once: true });
    child.once('error', error => {
      signal.removeEventListener('abort', abort);
      if (child.pid === undefined) resolve(`could not be started: ${error.message}`);
    });
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) resolve('was interrupted');
      else if (code === 0) resolve(undefined);
      else resolve(code === null ? `was killed by ${killedBy}` : `exited with code ${code}`);
    });
  });
}

function endGroup(child: ChildProcess, forceEnd: (() => void) | undefined): void {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => {
    forceEnd?.();
    signalGroup(pid, 'SIGKILL');
  }, ORDERLY_END_MS);
  child.once('close', () => clearTimeout(timer));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has just ended.
  }
}
