// The output of a command that has no terminal: appended to a log of the sandbox, in the format of all its logs.
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { realClock } from '@suite/shared/ports/real.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { type HostPaths, stdioLog } from './paths.ts';

/** One file for all runs of one command: `SANDBOX.cmd.NAME.log`. Resolves to its path when both pipes have ended. */
export async function copyToLog(
  child: ChildProcess,
  paths: HostPaths,
  { sandbox, process }: DesiredInstance,
): Promise<string> {
  const file = stdioLog(paths, `${sandbox}/cmd.${process}`);
  mkdirSync(paths.stdioLogDir, { recursive: true });
  const fd = openSync(file, 'a');
  const copy = async (from: 'stdout' | 'stderr') => {
    const stream = child[from];
    if (stream === null) return;
    // Whole lines, so that two runs at once do not mix within one.
    for await (const line of createInterface({ input: stream }))
      writeSync(fd, `${new Date(realClock.wallMs()).toISOString()} ${from} F ${line}\n`);
  };
  await Promise.all([copy('stdout'), copy('stderr')]).finally(() => closeSync(fd));
  return file;
}
