import type { SandboxMount, SandboxSpec } from './sandbox.ts';

/** runtime-spec `mounts[]`. */
export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Group `tty` of every Debian, for which terminals are writable. */
const TTY_GID = 5;
const SHM_BYTES = 64 * 1024 * 1024;
const DEVFS_BYTES = 64 * 1024;

/** In /dev, which is our tmpfs: the runtime can make the mount point there without touching the image. */
export const INIT_PATH = '/dev/init';

/**
 * A fresh proc shows the pid namespace of the sandbox: its own, or the host's when that is shared. In a user
 * namespace the kernel allows a fresh one only with an own pid namespace, so there the host's /proc is bound.
 */
function procMount(spec: SandboxSpec): OciMount {
  if (spec.namespaces.user !== undefined && spec.namespaces.pid !== 'new') {
    const options = ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'];
    return { destination: '/proc', type: 'bind', source: '/proc', options };
  }
  const options = ['nosuid', 'noexec', 'nodev'];
  return { destination: '/proc', type: 'proc', source: 'proc', options };
}

/**
 * sysfs belongs to the network namespace: a user namespace that does not own that one may not mount it, and crun
 * then silently binds the host's read-write. So it is bound here, read-only with everything below.
 */
function sysMount(spec: SandboxSpec): OciMount {
  const foreign = spec.namespaces.user !== undefined || spec.insideUserNamespace !== undefined;
  if (foreign && spec.namespaces.network !== 'new') {
    const options = ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev', 'ro', 'rro'];
    return { destination: '/sys', type: 'bind', source: '/sys', options };
  }
  const options = ['nosuid', 'noexec', 'nodev', 'ro'];
  return { destination: '/sys', type: 'sysfs', source: 'sysfs', options };
}

function devptsMount(spec: SandboxSpec): OciMount {
  const groups = (spec.namespaces.user ?? spec.insideUserNamespace)?.gidMappings;
  const hasTty =
    groups === undefined || groups.some(m => m.inside <= TTY_GID && TTY_GID < m.inside + m.count);
  const options = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'];
  if (hasTty) options.push(`gid=${TTY_GID}`);
  return { destination: '/dev/pts', type: 'devpts', source: 'devpts', options };
}

function tmpfs(destination: string, flags: readonly string[]): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: flags };
}

export function fixedMounts(spec: SandboxSpec): OciMount[] {
  const mounts = [
    procMount(spec),
    sysMount(spec),
    tmpfs('/dev', ['nosuid', 'strictatime', 'mode=755', `size=${DEVFS_BYTES}`]),
    devptsMount(spec),
    tmpfs('/dev/shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${SHM_BYTES}`]),
  ];
  if (spec.namespaces.ipc === 'new') {
    const options = ['nosuid', 'noexec', 'nodev'];
    mounts.push({ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options });
  }
  if (spec.init !== undefined) {
    const options = ['bind', 'private', 'ro', 'nosuid', 'nodev'];
    mounts.push({ destination: INIT_PATH, type: 'bind', source: spec.init.hostPath, options });
  }
  return mounts;
}

function protection(mount: SandboxMount): string[] {
  const flags = [];
  if (mount.nosuid ?? true) flags.push('nosuid');
  if (mount.nodev ?? true) flags.push('nodev');
  if (mount.noexec) flags.push('noexec');
  return flags;
}

function bindMount(mount: SandboxMount): OciMount {
  if (mount.source === undefined) throw new TypeError(`bind mount ${mount.target} has no source`);
  // crun takes the r of `rprivate` for the bind too, which would bring in what is mounted below the source.
  const reach = mount.recursive ? ['rbind', 'rprivate'] : ['bind', 'private'];
  const flags = protection(mount);
  const isDirectory = mount.directory ?? mount.recursive ?? false;
  // With r they hold for what is mounted below as well, and crun 1.8 obeys no others for a writable bind in a user
  // namespace. Of a file they fail.
  const below = isDirectory
    ? [
        ...(mount.readonly && mount.recursive && mount.readonlyBelow !== false ? ['rro'] : []),
        ...flags.map(flag => `r${flag}`),
      ]
    : [];
  const options = [...reach, mount.readonly ? 'ro' : 'rw', ...flags, ...below];
  return { destination: mount.target, type: 'bind', source: mount.source, options };
}

function tmpfsMount(mount: SandboxMount): OciMount {
  const options = [mount.readonly ? 'ro' : 'rw', ...protection(mount)];
  if (mount.sizeBytes !== undefined) options.push(`size=${mount.sizeBytes}`);
  options.push(`mode=${(mount.mode ?? 0o755).toString(8)}`);
  if (mount.uid !== undefined) options.push(`uid=${mount.uid}`);
  if (mount.gid !== undefined) options.push(`gid=${mount.gid}`);
  return tmpfs(mount.target, options);
}

export function volumeMount(mount: SandboxMount): OciMount {
  return mount.type === 'bind' ? bindMount(mount) : tmpfsMount(mount);
}
