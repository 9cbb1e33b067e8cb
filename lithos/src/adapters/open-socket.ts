// Opens one listening socket as configured, and says in a sentence why that failed. Also the keys by which sockets are
// recognised, from their configuration and from the socket itself.
import { basename } from 'node:path';
import type { ListeningSocket } from '@suite/shared/linux/listening.ts';
import { inetAddress } from '@suite/shared/linux/socket-address.ts';
import { listenSocket } from '@suite/shared/linux/sockets.ts';
import { boundName, listenUnixSocket } from '@suite/shared/linux/unix-socket.ts';
import { hostId } from '../core/desired/id-maps.ts';
import type { DesiredInstance, ListenSpec } from '../core/desired/types.ts';
import { describeAddress } from '../core/sockets/sockets.ts';
import { whoListens } from './listeners.ts';

function tcpKey(host: string, port: number): string {
  return inetAddress(host, port).bytes.toString('hex');
}

export function socketKey(spec: ListenSpec): string {
  return spec.kind === 'tcp' ? tcpKey(spec.host, spec.port) : boundName(spec.path);
}

/** The key of a socket that was found; one that shares its port with others is nobody else's to use. */
export function keyOfFound({ address, reusePort }: ListeningSocket): string | undefined {
  if (address.kind === 'tcp') return reusePort ? undefined : tcpKey(address.host, address.port);
  const name = basename(address.path);
  return name.startsWith('.listen-') ? name : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'the host has no such address',
  EACCES: 'permission denied',
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'its directory does not exist',
  EXDEV: 'a link on the way leads out of the directory of the sandbox',
  ELOOP: 'too many links on the way',
};

function whyNot(spec: ListenSpec, error: NodeJS.ErrnoException): Error {
  const holder = spec.kind === 'tcp' && error.code === 'EADDRINUSE' ? whoListens(spec.port) : undefined;
  const reason = REASONS[error.code ?? ''] ?? error.message;
  return new Error(
    `cannot listen on ${describeAddress(spec)}: ${reason}${holder === undefined ? '' : ` (${holder})`}`,
  );
}

/** The socket belongs to the program's user. Throws with the address and the reason. */
export function openSocket(spec: ListenSpec, { uidMap, gidMap, userId, groupId }: DesiredInstance): number {
  const maps = { uidMap, gidMap };
  const owner = {
    user: hostId(maps, 'user', userId) ?? userId,
    group: hostId(maps, 'group', groupId) ?? groupId,
  };
  try {
    return spec.kind === 'tcp' ? listenSocket({ ...spec, owner }) : listenUnixSocket({ ...spec, owner });
  } catch (error) {
    throw whyNot(spec, error as NodeJS.ErrnoException);
  }
}
