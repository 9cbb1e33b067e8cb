// Questions to a running program: `readiness` (may others rely on it?) and `liveness` (must it be restarted?).
import { type Infer, type Schema, s } from '@suite/shared/schema/index.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';

const seconds = (min: number) => s.int({ min, max: LIMITS.timeoutMaxS });
const threshold = s.int({ min: 1, max: LIMITS.thresholdMax });

/** `intervalS`: readiness is asked often, because a start waits for it; liveness seldom. */
function common(intervalS: number) {
  return {
    'initial-delay': s.withDefault(seconds(0), 0, 'Seconds from the start until the first question.'),
    interval: s.withDefault(seconds(1), intervalS, 'Seconds between two questions.'),
    timeout: s.withDefault(
      seconds(1),
      DEFAULTS.probeTimeoutS,
      'Seconds without an answer that count as a failure.',
    ),
    'success-threshold': s.withDefault(threshold, 1, 'Successes in a row that make it well.'),
    'failure-threshold': s.withDefault(
      threshold,
      DEFAULTS.probeFailures,
      'Failures in a row that make it unwell.',
    ),
  };
}

/** Both go into a request as they are: a line break in them would begin another header. */
const requestPath = s.check(s.path('absolute'), text =>
  /^[!-~]+$/.test(text) ? undefined : 'only visible ASCII characters may be in the path of a request',
);
const hostName = s.text({ pattern: /^[\w.:[\]-]{1,255}$/, hint: 'a host name, with a port if need be' });

const port = s.required(s.text(), 'Port; may contain variables.');
const argv = s.required(
  s.list(s.text(), { min: 1 }),
  'Command line inside the container; variables are expanded.',
);

function variants(intervalS: number) {
  return {
    Tcp: s.struct({ port, ...common(intervalS) }),
    Http: s.struct({
      port,
      path: s.withDefault(requestPath, '/', 'Path to ask for.'),
      host: s.withDefault(s.nullable(hostName), null, 'Host header; null: the address asked.'),
      ...common(intervalS),
    }),
    Exec: s.struct({ command: argv, ...common(intervalS) }),
  };
}

export const livenessSchema = s.tagged(variants(DEFAULTS.livenessIntervalS));
export const readinessSchema = s.tagged({
  Notify: s.struct({}) as Schema<object>,
  ...variants(DEFAULTS.readinessIntervalS),
});

export type LivenessKeys = Infer<typeof livenessSchema>;
export type ReadinessKeys = Infer<typeof readinessSchema>;
