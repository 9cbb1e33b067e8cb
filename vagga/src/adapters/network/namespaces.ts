// Network namespaces that are held by files of a private mount: they go with the mount, however this process ends.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { findProgram } from '@suite/shared/oci/probe.ts';

/** For the user. */
export class NetworkError extends Error {}

function run(words: readonly string[], input = ''): void {
  const [program = '', ...rest] = words;
  const { status, stderr, error } = spawnSync(program, rest, { input, encoding: 'utf8' });
  if (error !== undefined) throw new NetworkError(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new NetworkError(`${words.join(' ')}: ${stderr.trim()}`);
}

/** A new one, everything in it down. `path` is its file from now on. */
export function makeNamespace(path: string): void {
  writeFileSync(path, '');
  run(['unshare', `--net=${path}`, 'true']);
}

/** `lines` of `ip -batch`. */
export function ipInside(namespace: string, lines: readonly string[]): void {
  if (findProgram('ip') === undefined)
    throw new NetworkError('the network of tests needs the program ip: install the package iproute2');
  run(['nsenter', `--net=${namespace}`, 'ip', '-batch', '-'], `${lines.join('\n')}\n`);
}

/** So that packets go from one interface to another. */
export function forwardInside(namespace: string): void {
  run(['nsenter', `--net=${namespace}`, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
}

/** Words before a program that is to be started there. */
export const inside = (namespace: string, ...words: readonly string[]): string[] => [
  'nsenter',
  `--net=${namespace}`,
  ...words,
];
