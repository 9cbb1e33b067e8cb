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

interface OciConfig {
  readonly process: { readonly args: readonly string[]; readonly terminal: boolean };
}

/**
 * A shell script that waits for its program defers INT until the program ends: so signals go to the whole group, as a
 * terminal would send them (catatonit -g). In a terminal the terminal itself does that.
 */
function withGroupSignals(config: OciConfig, spec: SandboxSpec): object {
  if (spec.init === undefined || spec.terminal) return config;
  const [init = '', ...rest] = config.process.args;
  return { ...config, process: { ...config.process, args: [init, '-g', ...rest] } };
}

export function createBundle(running: string, spec: SandboxSpec): Bundle {
  counter++;
  const id = `vagga-${process.pid}-${Math.round(performance.timeOrigin).toString(36)}-${counter}`;
  const directory = join(running, id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Nobody else reads this directory before the engine does, so the file needs no rename.
  writeFileSync(
    join(directory, 'config.json'),
    JSON.stringify(withGroupSignals(toOciConfig(spec) as OciConfig, spec)),
  );
  return { id, directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
