// Some builds need a process of their own: where the container's ids are not those of our namespace, and where there is only
// one id, so that changes of owner must be pretended, which later runs should not inherit.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Container } from '../../config/model.ts';
import { containerIds } from '../../core/ids/session.ts';
import { currentIds, IDS_VARIABLE, toldFor } from '../namespace/current.ts';

/** First word of the command line of such a process; the second is what it is to do, as JSON. */
export const BUILD = '__build__';

export type Elsewhere = 'nested' | 'pretended';

/** Undefined: this process will do. */
export function buildsElsewhere(container: Container): Elsewhere | undefined {
  const { ids } = currentIds();
  if (ids.kind === 'single') return 'pretended';
  const found = containerIds(ids, container);
  return found.ok && found.nested !== undefined ? 'nested' : undefined;
}

/** Keys of the terminal reach both of us; what is sent to us alone is passed on. */
const PASSED_ON = ['SIGHUP', 'SIGTERM'] as const;
const LEFT_TO_IT = ['SIGINT', 'SIGQUIT'] as const;

/** The exit code. `work` is plain JSON for the process. */
export function buildElsewhere(container: Container, work: object): Promise<number> {
  const env = { ...process.env, [IDS_VARIABLE]: JSON.stringify(toldFor(container)) };
  const argv = ['--pdeathsig', 'TERM', process.execPath, process.argv[1] ?? '', BUILD, JSON.stringify(work)];
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', argv, { stdio: 'inherit', env });
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    const leave = () => {};
    for (const signal of PASSED_ON) process.on(signal, passOn);
    for (const signal of LEFT_TO_IT) process.on(signal, leave);
    const end = () => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
      for (const signal of LEFT_TO_IT) process.off(signal, leave);
    };
    child.once('error', error => {
      end();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      end();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
