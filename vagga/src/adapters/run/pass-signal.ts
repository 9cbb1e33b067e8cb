// Signals for the engine of a container that may not listen yet.
import { isListening } from '../oci/listening.ts';
import type { EngineProcess } from './engine-process.ts';
import type { Prepared } from './prepare.ts';

/** A container starts in 10 ms, on a very busy machine in some hundred; then it is told although it seems deaf. */
const LISTENING_WAIT_MS = 2000;
const LISTENING_POLL_MS = 5;

/** A signal in the first milliseconds of a container would be lost: it waits until somebody listens. */
export function passSignal(
  engine: EngineProcess,
  { bundle, hasInit }: Prepared,
  signal: NodeJS.Signals,
): void {
  const endMs = performance.now() + LISTENING_WAIT_MS;
  const attempt = () => {
    if (!engine.isRunning()) return;
    if (!hasInit || isListening(bundle.id) || performance.now() > endMs) engine.kill(signal);
    else setTimeout(attempt, LISTENING_POLL_MS);
  };
  attempt();
}
