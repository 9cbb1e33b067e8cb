// Runs a prepared container in the foreground: terminal, signals and exit code are its own.
import { type StdioOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { isatty } from 'node:tty';
import { sweepAbandoned } from '../oci/running.ts';
import { JobControl } from './job-control.ts';
import { passSignal } from './pass-signal.ts';
import type { Prepared } from './prepare.ts';
import { inputOf, terminalSettings } from './terminal.ts';
import { printTail } from './terminal-tail.ts';

const PASSED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/** A terminal sends these to the whole foreground group, so the engine has them already. */
function comesFromTerminal(signal: NodeJS.Signals): boolean {
  return signal !== 'SIGTERM' && [0, 1, 2].some(fd => isatty(fd));
}

/** The exit code of the container's program, 128 + signal number when a signal ended it. */
export function runForeground(prepared: Prepared): Promise<number> {
  const [program = '', ...rest] = prepared.argv;
  return new Promise(resolve => {
    const passOn = (signal: NodeJS.Signals) => {
      if (!comesFromTerminal(signal)) passSignal(child, prepared, signal);
    };
    const settings = prepared.terminal ? terminalSettings() : undefined;
    // Before the engine is there: a signal between the two would end us and leave it behind.
    for (const signal of PASSED_ON) process.on(signal, passOn);
    const stdio: StdioOptions = [inputOf(), 'inherit', 'inherit', ...(prepared.fds ?? [])];
    const child = spawn(program, rest, { stdio });
    const jobControl = new JobControl(prepared, child, settings);
    // While the engine works: this costs the start nothing.
    sweepAbandoned(dirname(prepared.bundle.directory), prepared.engine);
    const end = (code: number) => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
      jobControl.close();
      printTail(prepared.tail);
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
