// `vagga _network` where it works: in a child in the middle of the network.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { iptablesScript, nftScript } from '../../core/network/filter.ts';
import type { Reach } from '../../core/network/partition.ts';
import type { NetworkNode, NetworkPlan } from '../../core/network/plan.ts';
import { inside, NetworkError } from './namespaces.ts';
import { INSIDE, PLAN_FILE } from './place.ts';

/** Undefined: we are somewhere else. */
export function readNetwork(): NetworkPlan | undefined {
  const file = join(INSIDE, PLAN_FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as NetworkPlan) : undefined;
}

const namespaceOf = ({ ip }: NetworkNode): string => join(INSIDE, `net.${ip}`);

/** The program and its input; nft needs no modules of the kernel that old tables have. */
function filterOf(reach: Reach): readonly [string[], string] {
  if (findProgram('nft') !== undefined) return [['nft', '-f', '-'], nftScript(reach)];
  if (findProgram('iptables-restore') !== undefined) return [['iptables-restore'], iptablesScript(reach)];
  throw new NetworkError(
    'neither nft nor iptables-restore is there: install one of them in the container or on the host',
  );
}

/** Throws a NetworkError. */
export function setReach(node: NetworkNode, reach: Reach): void {
  const [words, input] = filterOf(reach);
  const [program = '', ...rest] = inside(namespaceOf(node), ...words);
  const { status, stderr, error } = spawnSync(program, rest, { input, encoding: 'utf8' });
  if (status !== 0) throw new NetworkError(`${node.name}: ${error?.message ?? stderr.trim()}`);
}

/** The exit code of a program with the network of `node`. */
export function runAt(node: NetworkNode, argv: readonly string[]): number {
  const [program = '', ...rest] = inside(namespaceOf(node), ...argv);
  const { status, signal, error } = spawnSync(program, rest, { stdio: 'inherit' });
  if (error !== undefined) throw new NetworkError(error.message);
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
