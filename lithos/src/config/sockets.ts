// Listening sockets that a program gets as open descriptors: `tcp-ports` and `unix-sockets` of a container.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { addressSchema } from './addresses.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';

/** The first descriptor behind stdin, stdout and stderr. */
export const FIRST_FD = 3;

const fd = s.required(
  s.check(s.int({ min: 0, max: LIMITS.fdMax }), number =>
    number < FIRST_FD
      ? `descriptors 0, 1 and 2 are stdin, stdout and stderr: take ${FIRST_FD} or more`
      : undefined,
  ),
  `Descriptor the program gets, ${FIRST_FD} or more.`,
);
const backlog = s.withDefault(
  s.int({ min: 1, max: LIMITS.backlogMax, plain: true }),
  DEFAULTS.listenBacklog,
  'Connections that may wait to be accepted.',
);
const nonBlocking = s.withDefault(s.bool(), false, 'Hand it over with O_NONBLOCK set.');

/** The port is the key; it may contain variables. */
export const tcpPortSchema = s.struct({
  fd,
  host: s.withDefault(addressSchema, DEFAULTS.listenHost, 'Address to listen on, IPv4 or IPv6.'),
  'listen-backlog': backlog,
  'reuse-addr': s.withDefault(s.bool(), true, 'SO_REUSEADDR.'),
  'reuse-port': s.withDefault(s.bool(), false, 'SO_REUSEPORT: each start gets a socket of its own.'),
  'set-non-block': nonBlocking,
  external: s.withDefault(s.bool(), false, 'In a bridged sandbox: listen on the host.'),
});

/** The virtual path is the key; `writable-paths` of the sandbox say where it is on the host. */
export const unixSocketSchema = s.struct({
  fd,
  'listen-backlog': backlog,
  mode: s.withDefault(s.int({ min: 0, max: 0o777 }), DEFAULTS.socketMode, 'Permissions of the socket file.'),
  'set-non-block': nonBlocking,
});

export type TcpPortKeys = Infer<typeof tcpPortSchema>;
export type UnixSocketKeys = Infer<typeof unixSocketSchema>;
