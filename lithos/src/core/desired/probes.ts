// Readiness and liveness of a container, with ports and commands expanded and times in ms.
import type { LivenessKeys, ReadinessKeys } from '../../config/probes.ts';
import { parsePort } from '../../config/variables.ts';
import { expand, type Values } from './expand.ts';
import type { Probe, Readiness } from './types.ts';

const SECOND_MS = 1000;

function test(keys: LivenessKeys, values: Values): Probe['test'] {
  if (keys.tag === 'Exec')
    return { kind: 'exec', command: keys.value.command.map(word => expand(word, values).text) };
  const port = parsePort(expand(keys.value.port, values).text) ?? 0;
  if (keys.tag === 'Tcp') return { kind: 'tcp', port };
  return { kind: 'http', port, path: keys.value.path, host: keys.value.host };
}

export function probeOf(keys: LivenessKeys, values: Values): Probe {
  const { initialDelay, interval, timeout, successThreshold, failureThreshold } = keys.value;
  return {
    test: test(keys, values),
    initialDelayMs: initialDelay * SECOND_MS,
    intervalMs: interval * SECOND_MS,
    timeoutMs: timeout * SECOND_MS,
    successThreshold,
    failureThreshold,
  };
}

export function readinessOf(keys: ReadinessKeys | null, values: Values): Readiness {
  if (keys === null) return null;
  return keys.tag === 'Notify' ? { kind: 'notify' } : { kind: 'probe', probe: probeOf(keys, values) };
}
