import { readFileSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownCgroupMounts, removeCgroup } from '../linux/cgroup-files.ts';
import type { Proc } from '../ports/proc.ts';
import { writeBundle } from './bundle.ts';
import { toOciConfig } from './config.ts';
import type { RuntimeChoice } from './probe.ts';
import { NO_CGROUPS } from './runtime.ts';
import type { SandboxMount, SandboxSpec } from './sandbox.ts';

/** A container start takes 5–15 ms; a machine that needs this long has another problem. */
const TRIAL_TIMEOUT_MS = 10_000;

/** Where programs and their libraries are; on a merged system all but the first are links into it. */
const SYSTEM_DIRECTORIES = ['usr', 'bin', 'lib', 'lib64'];

/** The groups of ours; undefined in the first user namespace, where every id of the 32 bits is mapped to itself. */
function ownUserNamespace(): SandboxSpec['insideUserNamespace'] {
  const text = readFileSync('/proc/self/gid_map', 'utf8').trim();
  if (/^0\s+0\s+4294967295$/.test(text)) return undefined;
  const gidMappings = text.split('\n').map(line => {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    return { inside, outside, count };
  });
  return { gidMappings };
}

/** An image made of the host's own system directories, read-only: enough to start any of the host's programs. */
export async function hostImage(root: string): Promise<SandboxMount[]> {
  const mounts: SandboxMount[] = [];
  for (const name of ['proc', 'sys', 'dev']) await mkdir(join(root, name), { recursive: true });
  for (const name of SYSTEM_DIRECTORIES) {
    const status = await lstat(`/${name}`).catch(() => undefined);
    if (status?.isSymbolicLink()) await symlink(await readlink(`/${name}`), join(root, name));
    if (!status?.isDirectory()) continue;
    await mkdir(join(root, name));
    // What is mounted below cannot be left out in a user namespace (mount_namespaces(7)).
    const recursive = ownUserNamespace() !== undefined;
    mounts.push({ type: 'bind', source: `/${name}`, target: `/${name}`, readonly: true, recursive });
  }
  return mounts;
}

export function trialSpec(
  rootPath: string,
  mounts: readonly SandboxMount[],
  cgroupPath?: string,
): SandboxSpec {
  const own = ownUserNamespace();
  return {
    rootPath,
    readonlyRoot: true,
    args: ['/bin/true'],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    uid: 0,
    gid: 0,
    mounts,
    namespaces: { pid: 'new', network: 'host', mount: 'new', ipc: 'new', uts: 'new' },
    capabilities: [],
    noNewPrivileges: true,
    terminal: false,
    ...(own !== undefined && { insideUserNamespace: own }),
    limits: {},
    annotations: {},
    ...(cgroupPath !== undefined && { cgroupPath }),
  };
}

/** Where a trial leaves its files and its cgroup while it runs; whoever may be killed meanwhile names places it cleans itself. */
export interface TrialPlace {
  /** Existing directory; the system's temporary one by default. */
  readonly workDirectory?: string;
  /** Absolute cgroup below which the container goes; absent: where the runtime puts it by itself. */
  readonly cgroupParent?: string;
  /** As containers are to be run: without cgroups, which only crun can. */
  readonly cgroups?: 'none';
}

/** What a trial's call of the runtime begins with. */
export function trialCall({ program, kind }: RuntimeChoice, place: TrialPlace, stateRoot: string): string[] {
  const without = place.cgroups === 'none' && kind !== 'runc' ? [NO_CGROUPS] : [];
  return [program, ...without, '--root', stateRoot];
}

/** Starts a container that ends at once. Returns what went wrong, or undefined. */
export async function tryContainer(
  proc: Proc,
  choice: RuntimeChoice,
  place: TrialPlace,
): Promise<string | undefined> {
  const directory = await mkdtemp(join(place.workDirectory ?? tmpdir(), 'runtime-trial-'));
  const id = `trial-${process.pid}-${performance.now().toString(36).replace('.', '')}`;
  const cgroupPath = place.cgroupParent === undefined ? undefined : `${place.cgroupParent}/${id}`;
  try {
    const mounts = await hostImage(join(directory, 'root'));
    await writeBundle(directory, toOciConfig(trialSpec(join(directory, 'root'), mounts, cgroupPath)));
    const call = trialCall(choice, place, join(directory, 'state'));
    const argv = [...call, 'run', '--bundle', directory, id];
    const result = await proc.run(choice.wrap(argv), { timeoutMs: TRIAL_TIMEOUT_MS });
    if (result.code === 0) return undefined;
    return result.timedOut
      ? 'no answer in time'
      : (result.stderr || result.stdout).trim() || `exit code ${result.code}`;
  } finally {
    await rm(directory, { recursive: true, force: true });
    forget(cgroupPath);
  }
}

/** A runtime that fails may leave the cgroup it had made. */
function forget(cgroupPath: string | undefined): void {
  try {
    if (cgroupPath !== undefined) removeCgroup(ownCgroupMounts(), cgroupPath);
  } catch {
    // Something hangs in it: whoever named the place cleans it.
  }
}
