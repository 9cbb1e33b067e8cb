// From a desired instance to an OCI bundle: the description of the sandbox, and the directories it needs.
import { chmod, chown, mkdir, realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { SandboxMount, SandboxSpec } from '@suite/shared/oci/sandbox.ts';
import type { DesiredInstance, ResolvedVolume } from '../core/desired/types.ts';
import { runTerms } from '../core/instance/transitions.ts';
import type { BundlePart } from './attachment.ts';
import type { EtcMounts } from './etc-files.ts';

/** Keys of the annotations: who the container is, for a supervisor that finds it on disk. */
export const ANNOTATION = {
  name: 'lithos.name',
  identity: 'lithos.identity',
  /** How the run is stopped and judged, as JSON: should its record be damaged. */
  terms: 'lithos.terms',
} as const;

/** Open to every user of the container, as /tmp is; the parents stay root's. */
const STATE_MODE = 0o1777;

function mountOf(volume: ResolvedVolume, stateDir: string): SandboxMount {
  const { target } = volume;
  switch (volume.kind) {
    case 'readonly':
      return { type: 'bind', source: volume.source, target, readonly: true, recursive: true };
    case 'persistent':
      return { type: 'bind', source: volume.source, target, readonly: false, recursive: true };
    case 'tmpfs':
      return { type: 'tmpfs', target, readonly: false, sizeBytes: volume.sizeBytes, mode: volume.mode };
    case 'statedir':
      return { type: 'bind', source: join(stateDir, volume.path), target, readonly: false };
  }
}

export function mountsOf(instance: DesiredInstance, stateDir: string, etc: EtcMounts): SandboxMount[] {
  const file = (name: string): SandboxMount => ({
    type: 'bind',
    source: join(stateDir, name),
    target: `/etc/${name}`,
    readonly: false,
  });
  return [
    ...instance.volumes.map(volume => mountOf(volume, stateDir)),
    ...(etc.resolvConf ? [file('resolv.conf')] : []),
    ...(etc.hosts ? [file('hosts')] : []),
  ];
}

export interface SpecOptions {
  readonly stateDir: string;
  readonly etc: EtcMounts;
  readonly cgroupPath: string;
  readonly init: string;
  readonly parts: readonly BundlePart[];
}

/** Everything a program is not explicitly given is taken away: capabilities, new privileges, kernel files. */
export function sandboxSpec(instance: DesiredInstance, options: SpecOptions): SandboxSpec {
  const { memoryLimitBytes, cpuShares, fileLimit } = instance;
  const networkPath = options.parts.find(part => part.networkPath !== undefined)?.networkPath;
  return {
    rootPath: instance.imageRoot,
    readonlyRoot: true,
    args: instance.command,
    env: Object.assign(
      { TERM: process.env.TERM ?? 'dumb', ...instance.environ },
      ...options.parts.map(part => part.env),
    ),
    cwd: instance.workdir,
    uid: instance.userId,
    gid: instance.groupId,
    hostname: hostname(),
    mounts: [
      ...mountsOf(instance, options.stateDir, options.etc),
      ...options.parts.flatMap(part => part.mounts ?? []),
    ],
    namespaces: {
      pid: instance.sharePid ? 'host' : 'new',
      network: networkPath === undefined ? 'host' : { path: networkPath },
      mount: 'new',
      ipc: 'new',
      uts: 'new',
    },
    capabilities: instance.capabilities,
    noNewPrivileges: true,
    terminal: false,
    limits: {
      cpuShares,
      noFile: fileLimit,
      ...(memoryLimitBytes === null ? {} : { memoryBytes: memoryLimitBytes }),
    },
    cgroupPath: options.cgroupPath,
    annotations: {
      [ANNOTATION.name]: instance.name,
      [ANNOTATION.identity]: instance.identity,
      [ANNOTATION.terms]: JSON.stringify(runTerms(instance)),
    },
    // Sharing the host's pids there is no PID 1 of ours to wrap.
    ...(instance.sharePid ? {} : { init: { hostPath: options.init } }),
  };
}

/** The path without links; of what does not exist yet, as far as it does. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw error;
    return await realPath(dirname(path));
  }
}

/**
 * A container may put a link into a volume it can write, and a second volume, or its next run, would then mount what
 * the link names: any directory of the host. So no link may lead out of what the sandbox has mapped.
 */
async function checkInside(target: string, source: string, root: string): Promise<void> {
  // No container has written into what does not exist.
  if (!(await exists(root))) return;
  const [real, realRoot] = [await realPath(source), await realPath(root)];
  if (real === realRoot || real.startsWith(realRoot === '/' ? '/' : `${realRoot}/`)) return;
  throw new Error(
    `volume ${target}: ${source} is a link to ${real}, out of ${root}: give it an entry of its own in the sandbox's paths`,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function makeOwned(path: string, mode: number, user: number, group: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chown(path, user, group);
  await chmod(path, mode);
}

async function prepareVolume(volume: ResolvedVolume, stateDir: string): Promise<void> {
  if (volume.kind === 'statedir' && volume.path !== '') {
    await makeOwned(join(stateDir, volume.path), volume.mode, volume.user, volume.group);
  }
  if (volume.kind !== 'persistent' && volume.kind !== 'readonly') return;
  await checkInside(volume.target, volume.source, volume.root);
  if (volume.kind === 'readonly' || (await exists(volume.source))) return;
  if (!volume.create)
    throw new Error(`volume ${volume.target}: ${volume.source} does not exist and \`mkdir\` is false`);
  await makeOwned(volume.source, volume.mode, volume.user, volume.group);
}

/** Makes the state directory and what volumes need. Throws with a sentence when a source is missing. */
export async function prepareDirectories(instance: DesiredInstance, stateDir: string): Promise<void> {
  await mkdir(stateDir, { recursive: true });
  await chmod(stateDir, STATE_MODE);
  for (const volume of instance.volumes) await prepareVolume(volume, stateDir);
}
