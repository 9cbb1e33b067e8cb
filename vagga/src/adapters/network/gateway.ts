// The gateway that `_create_netns` makes: namespaces of this user that stay, with a link to the network of the host.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import type { GatewayParts } from '../../core/network/gateway.ts';
import { stateDirectory } from '../namespace/state-directory.ts';
import { inside, NetworkError, type Place } from './namespaces.ts';

export interface Gateway {
  /** Paths of its namespaces. */
  readonly network: string;
  readonly user: string;
}

export const gatewayFiles = (directory = stateDirectory()): Gateway => ({
  network: join(directory, 'netns'),
  user: join(directory, 'userns'),
});

/** Is there a namespace at `path`? */
function isNamespace(path: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some(line => line.split(' ')[4] === path && / - nsfs /.test(line));
}

export function findGateway(): Gateway | undefined {
  const gateway = gatewayFiles();
  return isNamespace(gateway.network) ? gateway : undefined;
}

/** A name server on loopback is not there for others: its packets must be led to it. */
export function localResolver(): string | undefined {
  const servers = readFileSync('/etc/resolv.conf', 'utf8').matchAll(/^\s*nameserver\s+(\S+)/gm);
  const [only, ...more] = [...servers].map(found => found[1]);
  return more.length === 0 && only?.startsWith('127.0.0.') ? only : undefined;
}

/** `filter`: may the packet filter of the host be changed? */
export function hostParts(filter: boolean): Omit<GatewayParts, 'pid'> {
  const tool = (['iptables', 'nft'] as const).find(name => findProgram(name) !== undefined);
  if (filter && tool === undefined)
    throw new NetworkError('neither iptables nor nft is installed: install one, or say --no-iptables');
  const resolver = localResolver();
  return {
    directory: stateDirectory(),
    ...(filter && tool !== undefined && { filter: tool }),
    ...(resolver !== undefined && { resolver }),
  };
}

/** Mount points of the namespaces. */
export function makeGatewayFiles(): void {
  for (const path of Object.values(gatewayFiles())) writeFileSync(path, '');
}

/** Replaces tables of the packet filter in a network of ours. */
export function nftInside(place: Place, script: string): void {
  const [program = '', ...rest] = inside(place, 'nft', '-f', '-');
  const { status, stderr, error } = spawnSync(program, rest, { input: script, encoding: 'utf8' });
  if (status === 0) return;
  const missing = findProgram('nft') === undefined ? ': install the package nftables' : '';
  throw new NetworkError(`nft: ${error?.message ?? stderr.trim()}${missing}`);
}
