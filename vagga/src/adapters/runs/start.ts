// Starting the supervisor of a detached command, which goes on when we end.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { RunPlace } from './place.ts';

/** Says to our own program that it is the supervisor of the command on its command line. */
export const DETACHED_VARIABLE = '_VAGGA_DETACHED';
/** Over it the supervisor tells that all has been started. */
const TELL_FD = 3;

export type Started =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: number; readonly errors: string };

/** Runs our own command line again, without a terminal and in a session of its own. Resolves when it says so, or ends. */
export function startSupervisor(place: RunPlace, command: string): Promise<Started> {
  const errors = openSync(place.errors, 'a', 0o600);
  const child = spawn(process.execPath, ['--', ...process.argv.slice(1)], {
    detached: true,
    stdio: ['ignore', errors, errors, 'pipe'],
    env: { ...process.env, [DETACHED_VARIABLE]: command },
  });
  closeSync(errors);
  return new Promise(resolve => {
    child.stdio[TELL_FD]?.once('data', () => {
      child.unref();
      resolve({ ok: true });
    });
    child.once('error', error => resolve({ ok: false, code: 121, errors: `${error.message}\n` }));
    child.once('exit', code =>
      resolve({ ok: false, code: code ?? 121, errors: readFileSync(place.errors, 'utf8') }),
    );
  });
}
