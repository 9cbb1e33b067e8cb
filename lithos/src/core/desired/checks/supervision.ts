// Readiness, watchdog, and what the program cannot be told in some kinds of containers.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { LIMITS } from '../../../config/defaults.ts';
import type { LivenessKeys } from '../../../config/probes.ts';
import { parsePort } from '../../../config/variables.ts';
import { expand, PID_VARIABLE } from '../expand.ts';
import { activationNames } from '../sockets.ts';
import { atKey, inContainer, type Rule, type Subject } from './subject.ts';

function portOf(subject: Subject, key: 'readiness' | 'liveness', probe: LivenessKeys): Diagnostic[] {
  if (probe.tag === 'Exec') return [];
  const { text, missing } = expand(probe.value.port, subject.values);
  if (missing.length > 0 || parsePort(text) !== undefined) return [];
  const message = `\`${text}\` is no TCP port (1 to ${LIMITS.portMax})`;
  return [inContainer(subject, 'bad-port', message, [key, 'port'])];
}

const probeRule: Rule = subject => {
  const { readiness, liveness } = subject.keys;
  return [
    ...(readiness === null || readiness.tag === 'Notify' ? [] : portOf(subject, 'readiness', readiness)),
    ...(liveness === null ? [] : portOf(subject, 'liveness', liveness)),
  ];
};

/** These variables are ours to set as soon as the program is to answer. */
const notifyRule: Rule = subject => {
  const { readiness, watchdog, environ, secretEnviron } = subject.keys;
  const ours = [
    ...(readiness?.tag === 'Notify' || watchdog !== null ? ['NOTIFY_SOCKET'] : []),
    ...(watchdog === null ? [] : ['WATCHDOG_USEC', 'WATCHDOG_PID']),
  ];
  const given = (key: string, names: Readonly<Record<string, unknown>>) =>
    ours
      .filter(name => Object.hasOwn(names, name))
      .map(name =>
        atKey(subject, 'notify-environ', `${name} is set by lithos and cannot be given too`, key, name),
      );
  return [...given('environ', environ), ...given('secret-environ', secretEnviron)];
};

/** Its second program has another pid than its first. */
function pidUnknown(subject: Subject): Diagnostic[] {
  const { environ } = subject.keys;
  const message = 'with `restart-process-only` the pid of the program is not known before it starts';
  const names = Object.keys(environ).filter(name => environ[name] === PID_VARIABLE);
  const activation = activationNames(subject.keys).slice(0, 1);
  return [
    ...names.map(name => inContainer(subject, 'pid-unknown', message, ['environ', name])),
    ...activation.map(name => inContainer(subject, 'pid-unknown', message, ['variables', name])),
  ];
}

/** What a container that stays while its program goes cannot have. */
const processOnlyRule: Rule = subject => {
  const { restartProcessOnly, kind, tcpPorts } = subject.keys;
  if (!restartProcessOnly || kind !== 'Daemon') return [];
  const { shareNamespaces, bridgedNetwork } = subject.sandbox;
  const shared =
    'with `restart-process-only` a container needs pids of its own: the sandbox shares those of the host';
  const inside =
    'with `restart-process-only` a port of a bridged network cannot be held from one program to the next: use `external: true`';
  const ports = Object.entries(tcpPorts).filter(([, { external }]) => bridgedNetwork !== null && !external);
  return [
    ...pidUnknown(subject),
    ...(shareNamespaces.includes('pid')
      ? [inContainer(subject, 'process-only', shared, ['restart-process-only'])]
      : []),
    ...ports.map(([port]) => atKey(subject, 'process-only', inside, 'tcp-ports', port)),
  ];
};

export const supervisionRule: Rule = subject => [
  ...probeRule(subject),
  ...notifyRule(subject),
  ...processOnlyRule(subject),
];
