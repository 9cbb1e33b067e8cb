// Bundles of containers that run now: a directory with config.json under `.vagga/.run`, gone when they end.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import type { SandboxSpec } from '@suite/shared/oci/sandbox.ts';

export interface Bundle {
  /** Unique on this machine while we live: our pid, our start and a counter. */
  readonly id: string;
  readonly directory: string;
  remove(): void;
}

let counter = 0;

export function createBundle(running: string, spec: SandboxSpec): Bundle {
  counter++;
  const id = `vagga-${process.pid}-${Math.round(performance.timeOrigin).toString(36)}-${counter}`;
  const directory = join(running, id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Nobody else reads this directory before the engine does, so the file needs no rename.
  writeFileSync(join(directory, 'config.json'), JSON.stringify(toOciConfig(spec)));
  return { id, directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
