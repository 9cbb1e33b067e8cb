// Runs a prepared container in the foreground: terminal, signals and exit code are its own.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { isatty } from 'node:tty';
import { sweepAbandoned } from '../oci/running.ts';
import type { Prepared } from './prepare.ts';

/** Interactive only when the user sees the output and can type: pipes stay pipes. */
export function wantsTerminal(): boolean {
  return isatty(0) && isatty(1);
}

const PASSED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/** A terminal sends these to the whole foreground group, so the engine has them already. */
function comesFromTerminal(signal: NodeJS.Signals): boolean {
  return signal !== 'SIGTERM' && [0, 1, 2].some(fd => isatty(fd));
}

/** The exit code of the container's program, 128 + signal number when a signal ended it. */
export function runForeground(prepared: Prepared): Promise<number> {
  const [program = '', ...rest] = prepared.argv;
  return new Promise(resolve => {
    const child = spawn(program, rest, { stdio: 'inherit' });
    const passOn = (signal: NodeJS.Signals) => {
      if (!comesFromTerminal(signal)) child.kill(signal);
    };
    for (const signal of PASSED_ON) process.on(signal, passOn);
    // While the engine works: this costs the start nothing.
    sweepAbandoned(dirname(prepared.bundle.directory), prepared.engine);
    const end = (code: number) => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
      prepared.bundle.remove();
      resolve(code);
    };
    child.once('error', error => {
      process.stderr.write(`${program} could not be started: ${error.message}\n`);
      end(124);
    });
    child.once('exit', (code, signal) =>
      end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
