import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeRuntime, type RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { Defer } from '../harness.ts';
import type { Fleet } from './fleet.ts';
import { stopWhole } from './fleet.ts';
import { lithos } from './lithos.ts';
import { podman } from './podman.ts';
import { raw } from './raw.ts';
import { unsandboxed } from './unsandboxed.ts';

/** statfs(2), linux/magic.h */
const TMPFS_MAGIC = 0x01021994;

/** Where run directories are on a real host: in memory. */
function runDirectory(): string {
  const inMemory = ['/run', '/dev/shm'].find(path => isTmpfs(path));
  return mkdtempSync(join(inMemory ?? tmpdir(), 'bench-'));
}

function isTmpfs(path: string): boolean {
  try {
    return statfsSync(path).type === TMPFS_MAGIC;
  } catch {
    return false;
  }
}

export interface Fleets {
  readonly runtime: RuntimeChoice;
  readonly ours: Fleet;
  readonly raw: Awaited<ReturnType<typeof raw>>;
  readonly peers: readonly Fleet[];
}

/** All contenders, none of them started; stopped and removed when the bench ends. */
export async function makeFleets(defer: Defer): Promise<Fleets> {
  const runtime = await probeRuntime(realProc);
  if (runtime.kind === 'none') throw new Error(runtime.message);
  const directory = runDirectory();
  defer(() => rmSync(directory, { recursive: true, force: true }));
  const ours = lithos(join(directory, 'lithos'));
  const limit = await raw(runtime, join(directory, 'raw'));
  const peers = [podman(join(directory, 'podman')), ...unsandboxed(directory)];
  for (const each of [ours, limit, ...peers]) {
    defer(() => each.words.close());
    defer(() => stopWhole(each));
  }
  return { runtime, ours, raw: limit, peers };
}
