// The listening sockets of a container: `tcp-ports`, `unix-sockets`, and variables with `activation: systemd`.
import type { ContainerKeys } from '../../config/container.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';
import { FIRST_FD, type TcpPortKeys } from '../../config/sockets.ts';
import { parsePort } from '../../config/variables.ts';
import { expand, type Values } from './expand.ts';
import { mapPath } from './paths.ts';
import type { ListenSpec } from './types.ts';

type TcpSpec = Extract<ListenSpec, { kind: 'tcp' }>;

/** The variables whose ports the program gets from fd 3 on: by name, alphabetically. */
export function activationNames({ variables }: ContainerKeys): string[] {
  return Object.entries(variables)
    .filter(([, type]) => type.tag === 'TcpPort' && type.value.activation === 'systemd')
    .map(([name]) => name)
    .sort();
}

/** What sd_listen_fds(3) looks at; nothing without activation. */
export function activationEnviron(container: ContainerKeys, pid: string): Record<string, string> {
  const names = activationNames(container);
  if (names.length === 0) return {};
  return { LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.join(':'), LISTEN_PID: pid };
}

function tcp(port: number, keys: TcpPortKeys, isBridged: boolean): TcpSpec {
  return {
    kind: 'tcp',
    fd: keys.fd,
    host: keys.host,
    port,
    backlog: keys.listenBacklog,
    reuseAddress: keys.reuseAddr,
    reusePort: keys.reusePort,
    nonBlocking: keys.setNonBlock,
    place: isBridged && !keys.external ? 'inside' : 'host',
  };
}

const ACTIVATED = {
  host: DEFAULTS.listenHost,
  listenBacklog: DEFAULTS.listenBacklog,
  reuseAddr: true,
  reusePort: false,
  setNonBlock: false,
  external: false,
} as const;

function activated(container: ContainerKeys, values: Values, isBridged: boolean): TcpSpec[] {
  return activationNames(container).flatMap((name, index) => {
    const port = parsePort(values.get(name) ?? '');
    return port === undefined ? [] : [tcp(port, { fd: FIRST_FD + index, ...ACTIVATED }, isBridged)];
  });
}

/** An entry of `tcp-ports` whose key became a port. */
export interface NamedPort {
  readonly key: string;
  readonly port: number | undefined;
}

export function expandedPorts({ tcpPorts }: ContainerKeys, values: Values): NamedPort[] {
  return Object.keys(tcpPorts).map(key => ({ key, port: parsePort(expand(key, values).text) }));
}

function explicit(container: ContainerKeys, values: Values, isBridged: boolean): TcpSpec[] {
  return expandedPorts(container, values).flatMap(({ key, port }) => {
    const keys = container.tcpPorts[key];
    return port === undefined || keys === undefined ? [] : [tcp(port, keys, isBridged)];
  });
}

function unix(container: ContainerKeys, sandbox: SandboxKeys): ListenSpec[] {
  return Object.entries(container.unixSockets).flatMap(([virtual, keys]): ListenSpec[] => {
    const found = mapPath(sandbox.writablePaths, virtual);
    if (found === undefined) return [];
    const { fd, mode, listenBacklog: backlog, setNonBlock: nonBlocking } = keys;
    return [{ kind: 'unix', fd, path: found.path, root: found.root, backlog, mode, nonBlocking }];
  });
}

/** By descriptor. A variable with activation replaces an entry of `tcp-ports` with the same port. */
export function socketsOf(container: ContainerKeys, sandbox: SandboxKeys, values: Values): ListenSpec[] {
  const isBridged = sandbox.bridgedNetwork !== null;
  const first = activated(container, values, isBridged);
  const taken = new Set(first.map(({ port }) => port));
  const rest = explicit(container, values, isBridged).filter(({ port }) => !taken.has(port));
  return [...first, ...rest, ...unix(container, sandbox)].sort((a, b) => a.fd - b.fd);
}
