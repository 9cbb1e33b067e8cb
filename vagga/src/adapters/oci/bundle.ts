// Bundles of containers that run now: a directory with config.json under `.vagga/.run`, gone when they end.
import { mkdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TerminalSize, terminalSize } from '@suite/shared/linux/terminal.ts';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import type { SandboxSpec } from '@suite/shared/oci/sandbox.ts';
import { newContainerId } from './running.ts';

export interface Bundle {
  readonly id: string;
  readonly directory: string;
  remove(): void;
}

interface OciConfig {
  readonly process: {
    readonly args: readonly string[];
    readonly capabilities: { readonly bounding: readonly string[] };
    readonly consoleSize?: ReturnType<typeof consoleSize>;
  };
}

/**
 * A shell script that waits for its program defers INT until the program ends: so signals go to the whole group, as a
 * terminal would send them (catatonit -g). In a terminal the terminal itself does that.
 */
function withGroupSignals(config: OciConfig, spec: SandboxSpec): OciConfig {
  if (spec.init === undefined || spec.terminal) return config;
  const [init = '', ...rest] = config.process.args;
  return { ...config, process: { ...config.process, args: [init, '-g', ...rest] } };
}

/** Another user than root has no capabilities by itself; a set-uid program may still give it those of the container. */
function asThatUser(config: OciConfig, spec: SandboxSpec): OciConfig {
  if (spec.uid === 0) return config;
  const { bounding } = config.process.capabilities;
  const capabilities = { bounding, effective: [], permitted: [], inheritable: [], ambient: [] };
  return { ...config, process: { ...config.process, capabilities } };
}

/** Of our terminal. */
export function consoleSize(): TerminalSize {
  return terminalSize(1) ?? { width: 0, height: 0 };
}

function withSize(config: OciConfig, { terminal }: SandboxSpec): OciConfig {
  return terminal ? { ...config, process: { ...config.process, consoleSize: consoleSize() } } : config;
}

export function createBundle(running: string, spec: SandboxSpec): Bundle {
  const id = newContainerId();
  const directory = join(running, id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Nobody else reads this directory before the engine does, so the file needs no rename.
  const file = join(directory, 'config.json');
  const config = withGroupSignals(toOciConfig(spec) as OciConfig, spec);
  writeFileSync(file, JSON.stringify(withSize(asThatUser(config, spec), spec)));
  return { id, directory, remove: () => removeBundle(file, directory) };
}

/** There is nothing else in it; and Node's recursive removal is a module that a short command need not load. */
function removeBundle(file: string, directory: string): void {
  try {
    unlinkSync(file);
    rmdirSync(directory);
  } catch {
    // The next run sweeps what is left.
  }
}
