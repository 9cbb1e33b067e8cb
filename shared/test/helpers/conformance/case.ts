// What an idea of the conformance suite works with: one runtime, an image, and ways to run something in it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { devMajor, devMinor } from '../../../src/linux/device-numbers.ts';
import type { OciRuntime } from '../../../src/oci/runtime.ts';
import type { SandboxSpec } from '../../../src/oci/sandbox.ts';
import type { Laboratory, Output } from '../sandbox.ts';

export const NEW = { pid: 'new', network: 'new', mount: 'new', ipc: 'new', uts: 'new' } as const;
export const MIB = 1024 * 1024;
export const CGROUPS = `/test-conformance-${process.pid}`;

export interface Case {
  readonly runtime: OciRuntime;
  readonly lab: Laboratory;
  /** The container's output for a script or an argv; the test fails when it cannot be run. */
  run(t: Test, program: string | readonly string[], changes?: Partial<SandboxSpec>): Promise<string>;
  /** As `run`, for what may fail. */
  attempt(program: string | readonly string[], changes?: Partial<SandboxSpec>): Promise<Output>;
}

export type Idea = (t: Test, each: Case) => Promise<void>;

export const STATUS = (...names: string[]) =>
  `grep -E "^(${names.join('|')}):" /proc/self/status | tr -d " \\t"`;
export const mountLines = 'cut -d" " -f5,6 /proc/self/mountinfo';

export function bind(source: string, target: string, more: object = {}) {
  return { type: 'bind', source, target, readonly: false, ...more } as const;
}

export function tmpfs(target: string, more: object = {}) {
  return { type: 'tmpfs', target, readonly: false, ...more } as const;
}

export function cli(runtime: OciRuntime, ...args: string[]) {
  const [program = '', ...rest] = runtime.commandLine(...args);
  // A created container keeps our output open.
  const stdio =
    args[0] === 'create' ? (['ignore', 'ignore', 'pipe'] as const) : (['ignore', 'pipe', 'pipe'] as const);
  const errors = join(tmpdir(), `conformance-${process.pid}`);
  const result = spawnSync('sh', ['-c', `"$@" 2>${errors}`, 'sh', program, ...rest], {
    encoding: 'utf8',
    stdio: [...stdio],
  });
  const stderr = existsSync(errors) ? readFileSync(errors, 'utf8') : '';
  rmSync(errors, { force: true });
  return { status: result.status, stdout: result.stdout ?? '', stderr };
}

/** Any block device of this machine. */
export function aDisk(): { readonly path: string; readonly major: number; readonly minor: number } {
  const path = readdirSync('/sys/block')
    .map(name => `/dev/${name}`)
    .find(existsSync) as string;
  const { rdev } = statSync(path);
  return { path, major: devMajor(rdev), minor: devMinor(rdev) };
}
