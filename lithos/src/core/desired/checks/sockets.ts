// Listening sockets: descriptors and ports that do not collide, ports and paths that the sandbox allows.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { LIMITS } from '../../../config/defaults.ts';
import { within } from '../../../config/ids.ts';
import { FIRST_FD } from '../../../config/sockets.ts';
import { mapPath } from '../paths.ts';
import { activationNames, expandedPorts } from '../sockets.ts';
import { atKey, type Container, inContainer, inEntry, type Rule, repeated } from './subject.ts';

const LISTEN_NAMES = ['LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID'];

interface Descriptor {
  readonly fd: number;
  readonly owner: string;
  readonly mapping: 'variables' | 'tcp-ports' | 'unix-sockets';
  readonly key: string;
}

function descriptors({ value: keys }: Container): Descriptor[] {
  return [
    ...activationNames(keys).map(
      (key, index): Descriptor => ({
        fd: FIRST_FD + index,
        owner: `variable ${key}`,
        mapping: 'variables',
        key,
      }),
    ),
    ...Object.entries(keys.tcpPorts).map(
      ([key, { fd }]): Descriptor => ({ fd, owner: `port ${key}`, mapping: 'tcp-ports', key }),
    ),
    ...Object.entries(keys.unixSockets).map(
      ([key, { fd }]): Descriptor => ({ fd, owner: `socket ${key}`, mapping: 'unix-sockets', key }),
    ),
  ];
}

function fdRule(container: Container): Diagnostic[] {
  const all = descriptors(container);
  const limit = container.value.filenoLimit;
  const twice = repeated(all, ({ fd }) => fd).map(({ item, first }) => {
    const message = `descriptor ${item.fd} is that of ${first.owner} already`;
    return atKey({ container }, 'fd-twice', message, item.mapping, item.key);
  });
  const high = all
    .filter(({ fd }) => fd >= limit)
    .map(({ fd, mapping, key }) => {
      const message = `descriptor ${fd} is beyond \`fileno-limit\`, which is ${limit}`;
      return atKey({ container }, 'fd-too-high', message, mapping, key);
    });
  return [...twice, ...high];
}

/** With activation these variables are ours to set. */
function environRule(container: Container): Diagnostic[] {
  const { environ, secretEnviron } = container.value;
  if (activationNames(container.value).length === 0) return [];
  const given = (key: string, names: Readonly<Record<string, unknown>>) =>
    LISTEN_NAMES.filter(name => Object.hasOwn(names, name)).map(name => {
      const message = `${name} is set by \`activation: systemd\` and cannot be given too`;
      return atKey({ container }, 'listen-environ', message, key, name);
    });
  return [...given('environ', environ), ...given('secret-environ', secretEnviron)];
}

/** What the container file alone shows; also for `--check-container`. */
export function checkDescriptors(container: Container): Diagnostic[] {
  return [...fdRule(container), ...environRule(container)];
}

/** Two variables with one port would leave a descriptor without a socket. */
const activationRule: Rule = subject => {
  const names = activationNames(subject.keys);
  const shared = subject.sandbox.shareNamespaces.includes('pid');
  const pid = 'LISTEN_PID cannot be told to a container that shares the pids of the host';
  return [
    ...repeated(names, name => subject.values.get(name)).map(({ item, first }) => {
      const message = `port ${subject.values.get(item)} is that of \`${first}\` already, and each has a socket of its own`;
      return inEntry(subject, 'port-twice', message, ['variables', item]);
    }),
    ...(shared && names.length > 0
      ? [inContainer(subject, 'no-own-pid', pid, ['variables', names[0] as string])]
      : []),
  ];
};

const portRule: Rule = subject => {
  const { keys, sandbox, sources, values } = subject;
  const ports = expandedPorts(keys, values);
  const isBridged = sandbox.bridgedNetwork !== null;
  const at = (code: string, message: string, key: string) => atKey(subject, code, message, 'tcp-ports', key);
  const known = ports.filter(({ port }) => port !== undefined);
  return [
    ...ports
      .filter(({ key, port }) => port === undefined && !key.includes('@{'))
      .map(({ key }) => at('bad-port', `\`${key}\` is no TCP port (1 to ${LIMITS.portMax})`, key)),
    ...ports
      .filter(({ key, port }) => port === undefined && key.includes('@{'))
      .map(({ key }) =>
        at('bad-port', `\`${key}\` does not become a TCP port (1 to ${LIMITS.portMax})`, key),
      ),
    ...repeated(known, ({ port }) => port).map(({ item, first }) =>
      at('port-twice', `port ${item.port} is in the list already, as \`${first.key}\``, item.key),
    ),
    ...known
      .filter(({ key, port }) => {
        const isOnHost = !isBridged || keys.tcpPorts[key]?.external === true;
        return isOnHost && !within(sandbox.allowTcpPorts, port as number);
      })
      .map(({ key, port }) => {
        const message = `port ${port} is not in \`allow-tcp-ports\` of sandbox ${sources.name}`;
        return at('port-not-allowed', message, key);
      }),
  ];
};

function utf8Bytes(text: string): number {
  const bytes = (code: number) => (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
  return [...text].reduce((sum, letter) => sum + bytes(letter.codePointAt(0) ?? 0), 0);
}

const unixRule: Rule = subject => {
  const names = Object.keys(subject.keys.unixSockets);
  const at = (code: string, message: string, key: string) =>
    atKey(subject, code, message, 'unix-sockets', key);
  const onHost = (name: string) => mapPath(subject.sandbox.writablePaths, name)?.path;
  const covered = names.filter(name => onHost(name) !== undefined);
  return [
    ...names
      .filter(name => onHost(name) === undefined)
      .map(name => {
        const message = `no entry of \`writable-paths\` of sandbox ${subject.sources.name} covers \`${name}\``;
        return at('socket-not-allowed', message, name);
      }),
    ...covered
      .filter(name => utf8Bytes(onHost(name) ?? '') > LIMITS.socketPathBytes)
      .map(name => {
        const message = `${onHost(name)} is longer than the ${LIMITS.socketPathBytes} bytes the path of a socket may have`;
        return at('socket-path', message, name);
      }),
    ...repeated(covered, onHost).map(({ item, first }) =>
      at('socket-path', `it is the same file as \`${first}\``, item),
    ),
  ];
};

export const socketRule: Rule = subject => [
  ...checkDescriptors(subject.container),
  ...activationRule(subject),
  ...portRule(subject),
  ...unixRule(subject),
];
