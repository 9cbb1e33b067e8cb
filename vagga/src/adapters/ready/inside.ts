// A look from inside a network that is not ours: by a process that goes there and looks until it may stop.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Tried, tryConnection } from './try.ts';

/** First word of our own command line for that process. */
export const LOOK_FROM_INSIDE = '__ready__';

/** `answers` gets what stands against it each time, and undefined in the end. */
export function lookFromInside(
  readiness: Tried,
  network: string,
  answers: (problem: string | undefined) => void,
  signal: AbortSignal,
): void {
  const script = process.argv[1] ?? '';
  const words = [`--net=${network}`, process.execPath, script, LOOK_FROM_INSIDE, JSON.stringify(readiness)];
  const child = spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'ignore'], signal });
  child.once('error', error => answers(error.message));
  createInterface(child.stdout).on('line', line => answers(line === '' ? undefined : line));
}

/** What that process does. It ends with its stdin, so also when we are killed. */
export async function lookUntilReady(text: string): Promise<void> {
  const readiness = JSON.parse(text) as Tried;
  process.stdin.resume();
  process.stdin.once('end', () => process.exit(0));
  for (;;) {
    const problem = await tryConnection(readiness, AbortSignal.timeout(readiness.timeout * 1000));
    process.stdout.write(`${problem ?? ''}\n`);
    if (problem === undefined) return;
    await sleep(readiness.interval);
  }
}
