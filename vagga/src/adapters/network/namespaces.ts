// Network namespaces that are held by files of a private mount: they go with the mount, however this process ends.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { findProgram } from '@suite/shared/linux/programs.ts';

/** For the user. */
export class NetworkError extends Error {}

function run(words: readonly string[], input = ''): void {
  const [program = '', ...rest] = words;
  const { status, stderr, error } = spawnSync(program, rest, { input, encoding: 'utf8' });
  if (error !== undefined) throw new NetworkError(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new NetworkError(`${words.join(' ')}: ${stderr.trim()}`);
}

/** Path of a network namespace, or nsenter's options. */
export type Place = string | readonly string[];

/** Words before a program that is to be started there. */
export const inside = (place: Place, ...words: readonly string[]): string[] => [
  'nsenter',
  ...(typeof place === 'string' ? [`--net=${place}`] : place),
  ...words,
];

/** A new one, everything in it down. `path` is its file from now on. */
export function makeNamespace(path: string): void {
  writeFileSync(path, '');
  run(['unshare', `--net=${path}`, 'true']);
}

/** `lines` of `ip -batch`. */
export function ipInside(place: Place, lines: readonly string[]): void {
  if (findProgram('ip') === undefined)
    throw new NetworkError('the network of tests needs the program ip: install the package iproute2');
  run(inside(place, 'ip', '-batch', '-'), `${lines.join('\n')}\n`);
}

/** So that packets go from one interface to another. */
export function forwardInside(place: Place): void {
  run(inside(place, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward'));
}
