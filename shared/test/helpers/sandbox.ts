// What the container tests share: an image of the host's own programs and a description with everything at its default.

import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBundle } from '../../src/oci/bundle.ts';
import { toOciConfig } from '../../src/oci/config.ts';
import type { OciRuntime } from '../../src/oci/runtime.ts';
import type { SandboxMount, SandboxSpec } from '../../src/oci/sandbox.ts';
import { hostImage } from '../../src/oci/trial.ts';

export interface Laboratory {
  readonly directory: string;
  readonly root: string;
  readonly mounts: readonly SandboxMount[];
}

/** The directory must be below a path that other users may enter, for user namespaces. */
export async function laboratory(directory: string): Promise<Laboratory> {
  const root = join(directory, 'root');
  for (const name of ['root/data', 'root/tmp', 'root/etc'])
    await mkdir(join(directory, name), { recursive: true });
  // runc before 1.2 gives a tmpfs the mode of the directory below it.
  await chmod(join(root, 'tmp'), 0o1777);
  return { directory, root, mounts: await hostImage(root) };
}

export function spec(
  lab: Laboratory,
  args: readonly string[],
  changes: Partial<SandboxSpec> = {},
): SandboxSpec {
  return {
    rootPath: lab.root,
    readonlyRoot: true,
    args,
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    uid: 0,
    gid: 0,
    namespaces: { pid: 'new', network: 'new', mount: 'new', ipc: 'new', uts: 'new' },
    capabilities: [],
    noNewPrivileges: true,
    terminal: false,
    limits: {},
    annotations: {},
    ...changes,
    mounts: [...lab.mounts, ...(changes.mounts ?? [])],
  };
}

export function shell(script: string): string[] {
  return ['/bin/sh', '-c', script];
}

let counter = 0;

export async function bundle(
  lab: Laboratory,
  description: SandboxSpec,
): Promise<{ id: string; path: string }> {
  const id = `test-${process.pid}-${counter++}`;
  const path = join(lab.directory, id);
  await writeBundle(path, toOciConfig({ cgroupPath: `/test-oci-${process.pid}/${id}`, ...description }));
  return { id, path };
}

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end and gives back what it wrote. */
export async function output(
  runtime: OciRuntime,
  lab: Laboratory,
  description: SandboxSpec,
): Promise<Output> {
  const { id, path } = await bundle(lab, description);
  const { child, finished } = runtime.run(id, path, { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', chunk => {
      texts[name] += chunk;
    });
  }
  const { code } = await finished;
  return { code, ...texts };
}

const DEADLINE_MS = 60_000;

/** Waits until the container's log has a text: only then its init surely listens to signals. */
export async function says(logPath: string, text: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!existsSync(logPath) || !readFileSync(logPath, 'utf8').includes(text)) {
    if (Date.now() > deadline) throw new Error(`${logPath} did not get ${text}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}
