// flock(2) through util-linux: Node has no call for it. The helper holds the lock while its stdin is open, so the lock
// goes when this process ends, however it ends.
import { spawn } from 'node:child_process';

export type Lock = { readonly release: () => Promise<void> };

const BUSY = 75;

/**
 * `waitS` 0 = do not wait. Resolves with `busy` when somebody else holds it or `signal` ended the waiting, `Error` when
 * flock cannot be used.
 */
export function takeLock(path: string, waitS: number, signal: AbortSignal): Promise<Lock | 'busy' | Error> {
  const wait = waitS === 0 ? ['--nonblock'] : ['--timeout', String(waitS)];
  return new Promise(resolve => {
    const argv = [
      ...wait,
      '--conflict-exit-code',
      String(BUSY),
      '--no-fork',
      path,
      'sh',
      '-c',
      'echo; exec cat',
    ];
    // Own group: Ctrl-C must not take the lock away before the build has cleaned up.
    const child = spawn('flock', argv, { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    const ended = new Promise<void>(done => child.once('close', () => done()));
    const giveUp = () => child.kill();
    signal.addEventListener('abort', giveUp, { once: true });
    child.once('error', resolve);
    child.stdin.on('error', () => {});
    child.stdout.once('data', () => {
      signal.removeEventListener('abort', giveUp);
      resolve({
        release: () => {
          child.stdin.end();
          return ended;
        },
      });
    });
    child.once('close', code =>
      resolve(code === BUSY || signal.aborted ? 'busy' : new Error(`flock ${path} ended with ${code}`)),
    );
  });
}
