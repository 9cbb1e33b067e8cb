// Whose containers run: the name of each says which process it belongs to, so that what a killed vagga left is found.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import { stateDirectory } from '../namespace/state-directory.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { engineCommand } from './engine.ts';

/** A pid means something in its own pid namespace only; two of them may share a project. */
function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}

let counter = 0;

/** Unique on this machine: pid namespace, our pid, our start (pids are used again) and a counter. */
export function newContainerId(): string {
  counter++;
  return `vagga-${pidNamespace()}-${process.pid}-${processStartTime(process.pid) ?? '0'}-${counter}`;
}

const ID = /^vagga-(\d+)-(\d+)-(\d+)-\d+$/;

export const isContainerId = (name: string): boolean => ID.test(name);

function isAbandoned(id: string, namespace: string): boolean {
  const [, where, pid = '', start] = ID.exec(id) ?? [];
  return where === namespace && processStartTime(Number(pid)) !== start;
}

/** Ids of bundles whose vagga is gone. */
export function abandoned(running: string): string[] {
  let ids: string[];
  try {
    ids = readdirSync(running);
  } catch {
    return [];
  }
  const namespace = pidNamespace();
  return ids.filter(name => isAbandoned(name, namespace));
}

/** Ends the containers of vaggas that are gone and removes their bundles. `running` is the directory of the bundles. */
export function sweepAbandoned(running: string, engine: CachedRuntime): void {
  for (const id of abandoned(running)) {
    const [program = '', ...rest] = engineCommand(engine, 'delete', '--force', id);
    if (existsSync(join(stateDirectory(), id))) spawnSync(program, rest, { stdio: 'ignore' });
    rmSync(join(running, id), { recursive: true, force: true });
  }
}
