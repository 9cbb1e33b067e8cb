// Variables: declared ones have a good value, used ones are declared.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import type { ContainerKeys } from '../../../config/container.ts';
import { LIMITS } from '../../../config/defaults.ts';
import { within } from '../../../config/ids.ts';
import { checkVariable } from '../../../config/variables.ts';
import { expand, expandEnviron } from '../expand.ts';
import { type Container, inContainer, inEntry, type Path, type Rule } from './subject.ts';

const BUILT_IN = ['lithos:name', 'lithos:config_filename'];

export const valueRule: Rule = subject => {
  const { variables, config } = subject.entry.entry;
  return Object.entries(subject.keys.variables).flatMap(([name, type]) => {
    // A container file may declare `constructor`, which every object has.
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) {
      const message = `the variable \`${name}\` that ${config} declares has no value`;
      return [inEntry(subject, 'missing-variable', message, ['variables'])];
    }
    const wrong = checkVariable(type, value);
    if (wrong !== undefined)
      return [inEntry(subject, 'bad-variable', `\`${name}\`: ${wrong}`, ['variables', name])];
    const isFree = type.tag !== 'TcpPort' || subject.sandbox.bridgedNetwork !== null;
    if (isFree || within(subject.sandbox.allowTcpPorts, Number(value))) return [];
    const message = `port ${value} is not in \`allow-tcp-ports\` of sandbox ${subject.sources.name}`;
    return [inEntry(subject, 'port-not-allowed', message, ['variables', name])];
  });
};

interface Text {
  readonly path: Path;
  readonly text: string;
}

function list(key: string, texts: readonly string[]): Text[] {
  return texts.map((text, index) => ({ path: [key, index], text }));
}

/** Ports and commands of readiness and liveness. */
function ofProbe(key: 'readiness' | 'liveness', probe: ContainerKeys['readiness']): Text[] {
  if (probe === null || probe.tag === 'Notify') return [];
  if (probe.tag !== 'Exec') return [{ path: [key, 'port'], text: probe.value.port }];
  return probe.value.command.map((text, index) => ({ path: [key, 'command', index], text }));
}

/** Every text that is expanded, but for the environment, which knows one variable more. */
export function expandedTexts(keys: ContainerKeys): Text[] {
  return [
    ...list('arguments', keys.arguments),
    ...list('pre-stop', keys.preStop),
    ...Object.keys(keys.tcpPorts).map(text => ({ path: ['tcp-ports', text], text })),
    ...ofProbe('readiness', keys.readiness),
    ...ofProbe('liveness', keys.liveness),
  ];
}

/** Also for `--check-container`, where only the container file is known. `ownPids`: it has a pid namespace of its own. */
export function checkReferences(container: Container, ownPids = true): Diagnostic[] {
  const keys = container.value;
  const declared = Object.keys(keys.variables);
  const values = new Map([...declared, ...BUILT_IN].map(name => [name, '']));
  const plain = expandedTexts(keys).flatMap(({ path, text }) =>
    expand(text, values).missing.map(name => ({ path, name })),
  );
  const environ = Object.entries(keys.environ).flatMap(([key, text]) =>
    expandEnviron(text, values, ownPids).missing.map(name => ({ path: ['environ', key], name })),
  );
  return [...plain, ...environ].slice(0, LIMITS.errorsMax).map(({ path, name }) => {
    const guess = nearest(name, declared);
    const hint = guess === undefined ? undefined : `did you mean \`${guess}\`?`;
    const why =
      name === 'lithos:pid'
        ? ': it may only be a whole value of `environ`, and needs an own pid namespace'
        : '';
    const message = `\`@{${name}}\` is not declared in \`variables\`${why}`;
    return inContainer({ container }, 'undeclared-variable', message, path, hint);
  });
}
