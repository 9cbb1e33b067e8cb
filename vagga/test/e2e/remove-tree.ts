// Removing what still comes into being: a build goes on in the background for a moment.
import { rmSync } from 'node:fs';

const REMOVALS = 600;
const PAUSE_MS = 50;

/** Again from the start when something came into it meanwhile: Node's own retries try only the directory again. */
export function removeTree(path: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 1; ; tries++) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === REMOVALS) throw error;
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
}
