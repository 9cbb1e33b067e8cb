// Runs a prepared container in the foreground: terminal, signals and exit code are its own.
import { dirname } from 'node:path';
import { isTerminal, terminalSettings } from '@suite/shared/linux/terminal.ts';
import { sweepAbandoned } from '../oci/running.ts';
import { type EngineEnd, startEngine } from './engine-process.ts';
import { JobControl } from './job-control.ts';
import { passSignal } from './pass-signal.ts';
import type { Prepared } from './prepare.ts';
import { inputOf } from './terminal.ts';
import { printTail } from './terminal-tail.ts';

const PASSED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/** A terminal sends these to the whole foreground group, so the engine has them already. */
function comesFromTerminal(signal: NodeJS.Signals): boolean {
  return signal !== 'SIGTERM' && [0, 1, 2].some(fd => isTerminal(fd));
}

function exitCode({ argv: [program = ''] }: Prepared, end: EngineEnd): number {
  if (end.kind === 'ended') return end.code;
  process.stderr.write(`${program} could not be started: ${end.message}\n`);
  return 124;
}

/** The exit code of the container's program, 128 + signal number when a signal ended it. */
export function runForeground(prepared: Prepared): Promise<number> {
  return new Promise(resolve => {
    const passOn = (signal: NodeJS.Signals) => {
      if (!comesFromTerminal(signal)) passSignal(engine, prepared, signal);
    };
    const settings = prepared.terminal ? terminalSettings(0) : undefined;
    // Before the engine is there: a signal between the two would end us and leave it behind.
    for (const signal of PASSED_ON) process.on(signal, passOn);
    const end = (code: number) => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
      jobControl.close();
      printTail(prepared.tail);
      prepared.bundle.remove();
      resolve(code);
    };
    const { argv, fds = [] } = prepared;
    const engine = startEngine(argv, [inputOf(), 'inherit', 'inherit'], fds, how =>
      end(exitCode(prepared, how)),
    );
    const jobControl = new JobControl(prepared, engine, settings);
    // While the engine works: this costs the start nothing.
    sweepAbandoned(dirname(prepared.bundle.directory), prepared.engine);
  });
}
