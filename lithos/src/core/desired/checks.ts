// What the schemas of the single files cannot see: rules between the sandbox, the process entry and the container.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import { capabilityName } from '../../config/capabilities.ts';
import type { ContainerKeys } from '../../config/container.ts';
import { within } from '../../config/ids.ts';
import { diagnostic, locate } from '../../config/locate.ts';
import { checkVariable } from '../../config/variables.ts';
import { expand, expandEnviron } from './expand.ts';
import { components, mapPath } from './paths.ts';
import type { EntrySources, Parsed, SandboxSources } from './sources.ts';

type Container = Parsed<ContainerKeys>;
type Path = readonly (string | number)[];

/** Everything one rule looks at; `container` is there because entries without one are skipped before. */
interface Subject {
  readonly sources: SandboxSources;
  readonly entry: EntrySources;
  readonly container: Container;
}

function inContainer(subject: Subject, code: string, message: string, path: Path, hint?: string): Diagnostic {
  return diagnostic(code, 'error', message, locate(subject.container.node, path), hint);
}

function inEntry(subject: Subject, code: string, message: string, path: Path, hint?: string): Diagnostic {
  const where = locate(subject.sources.processes.node, [subject.entry.process, ...path]);
  return diagnostic(code, 'error', message, where, hint);
}

function kindRule(subject: Subject): Diagnostic[] {
  const asked = subject.entry.entry.kind;
  const offered = subject.container.value.kind;
  if (offered === 'CommandOrDaemon' || offered === asked) return [];
  const message = `the process entry \`${subject.entry.process}\` is a ${asked}, this container config a ${offered}`;
  return [inContainer(subject, 'kind-mismatch', message, ['kind'])];
}

function idRule(subject: Subject, key: 'user' | 'group'): Diagnostic[] {
  const sandbox = subject.sources.sandbox.value;
  const container = subject.container.value;
  const id =
    key === 'user' ? (container.userId ?? sandbox.defaultUser) : (container.groupId ?? sandbox.defaultGroup);
  const allowed = key === 'user' ? sandbox.allowUsers : sandbox.allowGroups;
  if (id === null) {
    const message = 'no `user-id` here and no `default-user` in the sandbox';
    return [inContainer(subject, 'no-user', message, [])];
  }
  if (within(allowed, id)) return [];
  const list = allowed.length === 0 ? 'it allows none' : `it allows ${allowed.join(', ')}`;
  const message = `${key} ${id} is not in \`allow-${key}s\` of sandbox ${subject.sources.name}: ${list}`;
  return [inContainer(subject, `${key}-not-allowed`, message, [`${key}-id`])];
}

function capabilityRule(subject: Subject): Diagnostic[] {
  const allowed = subject.sources.sandbox.value.allowCapabilities.map(capabilityName);
  return subject.container.value.capabilities.flatMap((name, index) => {
    if (allowed.includes(capabilityName(name))) return [];
    const message = `capability ${name} is not in \`allow-capabilities\` of sandbox ${subject.sources.name}`;
    return [inContainer(subject, 'capability-not-allowed', message, ['capabilities', index])];
  });
}

function volumeRule(subject: Subject): Diagnostic[] {
  const { readonlyPaths, writablePaths } = subject.sources.sandbox.value;
  return Object.entries(subject.container.value.volumes).flatMap(([target, volume]) => {
    const found: Diagnostic[] = [];
    if (!components(target)?.length) {
      const message = `the mount point \`${target}\` must be absolute, not / itself, and without \`..\``;
      found.push(inContainer(subject, 'bad-mount-point', message, ['volumes', target]));
    }
    if (
      volume.tag === 'Readonly' &&
      (mapPath(readonlyPaths, volume.value) ?? mapPath(writablePaths, volume.value)) === undefined
    ) {
      const message = `no entry of \`readonly-paths\` or \`writable-paths\` of sandbox ${subject.sources.name} covers \`${volume.value}\``;
      found.push(inContainer(subject, 'volume-not-allowed', message, ['volumes', target]));
    }
    const path = volume.tag === 'Persistent' ? volume.value.path : undefined;
    if (path !== undefined && mapPath(writablePaths, path) === undefined) {
      const message = `no entry of \`writable-paths\` of sandbox ${subject.sources.name} covers \`${path}\``;
      found.push(inContainer(subject, 'volume-not-allowed', message, ['volumes', target]));
    }
    if (volume.tag === 'Statedir' && components(volume.value.path) === undefined) {
      found.push(
        inContainer(subject, 'bad-mount-point', 'the path must not contain `..`', ['volumes', target]),
      );
    }
    return found;
  });
}

function declaredRule(subject: Subject): Diagnostic[] {
  const { variables } = subject.entry.entry;
  const ports = subject.sources.sandbox.value.allowTcpPorts;
  return Object.entries(subject.container.value.variables).flatMap(([name, type]) => {
    // A container file may declare `constructor`, which every object has.
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) {
      const message = `the variable \`${name}\` that ${subject.entry.entry.config} declares has no value`;
      return [inEntry(subject, 'missing-variable', message, ['variables'])];
    }
    const wrong = checkVariable(type, value);
    if (wrong !== undefined)
      return [inEntry(subject, 'bad-variable', `\`${name}\`: ${wrong}`, ['variables', name])];
    if (type.tag !== 'TcpPort' || within(ports, Number(value))) return [];
    const message = `port ${value} is not in \`allow-tcp-ports\` of sandbox ${subject.sources.name}`;
    return [inEntry(subject, 'port-not-allowed', message, ['variables', name])];
  });
}

/** Every text of a container config that is expanded, with its place and what of it has no value. */
function unresolved(
  container: Container,
  names: readonly string[],
  ownPids: boolean,
): { path: Path; name: string }[] {
  const values = new Map([...names, 'lithos:name', 'lithos:config_filename'].map(name => [name, '']));
  const inArguments = container.value.arguments.flatMap((text, index) =>
    expand(text, values).missing.map(name => ({ path: ['arguments', index], name })),
  );
  const inEnviron = Object.entries(container.value.environ).flatMap(([key, text]) =>
    expandEnviron(text, values, ownPids).missing.map(name => ({ path: ['environ', key], name })),
  );
  const inPorts = Object.keys(container.value.tcpPorts).flatMap(key =>
    expand(key, values).missing.map(name => ({ path: ['tcp-ports', key], name })),
  );
  return [...inArguments, ...inEnviron, ...inPorts];
}

/** Also for `--check-container`, where only the container file is known. */
export function checkReferences(container: Container, ownPids = true): Diagnostic[] {
  const declared = Object.keys(container.value.variables);
  return unresolved(container, declared, ownPids).map(({ path, name }) => {
    const guess = nearest(name, declared);
    const hint = guess === undefined ? undefined : `did you mean \`${guess}\`?`;
    const where = locate(container.node, path);
    const pid =
      name === 'lithos:pid'
        ? ': it may only be a whole value of `environ`, and needs an own pid namespace'
        : '';
    return diagnostic(
      'undeclared-variable',
      'error',
      `\`@{${name}}\` is not declared in \`variables\`${pid}`,
      where,
      hint,
    );
  });
}

/** What execve(2) cannot pass on: it would be cut short at the NUL, or become another variable. */
function execRule(subject: Subject): Diagnostic[] {
  const { arguments: words, environ } = subject.container.value;
  const hasNul = (text: string) => text.includes('\0');
  const inWords = words.flatMap((text, index) => (hasNul(text) ? [['arguments', index]] : []));
  const inValues = Object.entries(environ).flatMap(([key, text]) => (hasNul(text) ? [['environ', key]] : []));
  const badNames = Object.keys(environ).filter(key => key === '' || /[=\0]/.test(key));
  const { variables } = subject.entry.entry;
  const badValues = Object.keys(variables).filter(name => hasNul(variables[name] as string));
  const nul = 'a NUL character cannot be passed to a program';
  return [
    ...[...inWords, ...inValues].map(path => inContainer(subject, 'nul', nul, path)),
    ...badNames.map(key =>
      inContainer(subject, 'bad-environ-name', `\`${key}\` cannot be the name of an environment variable`, [
        'environ',
        key,
      ]),
    ),
    ...badValues.map(name => inEntry(subject, 'nul', nul, ['variables', name])),
  ];
}

/** All errors of one entry whose files could be read. */
export function checkEntry(sources: SandboxSources, entry: EntrySources): Diagnostic[] {
  if (entry.container === undefined) return [];
  const subject: Subject = { sources, entry, container: entry.container };
  return [
    ...kindRule(subject),
    ...idRule(subject, 'user'),
    ...idRule(subject, 'group'),
    ...capabilityRule(subject),
    ...volumeRule(subject),
    ...execRule(subject),
    ...declaredRule(subject),
    ...checkReferences(entry.container, !sources.sandbox.value.shareNamespaces.includes('pid')),
  ];
}
