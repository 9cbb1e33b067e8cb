// What the capsule sees of the host: its tools and libraries to read, the project and vagga's own directories to write.
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Settings } from '../../config/settings-model.ts';
import { atHome, type Layout } from '../image/layout.ts';
import { bindMount, projectMount } from '../oci/sandbox.ts';
import { HOST_BIN, HOST_DIRECTORIES, suiteRoot } from './root.ts';

const isDirectory = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const tmpfs = (target: string, mode: number): SandboxMount => ({
  type: 'tmpfs',
  target,
  readonly: false,
  mode,
});

/** Read-only, at the very path that the host has. */
const same = (path: string): SandboxMount => bindMount(path, path, true);

const isBelow = (path: string, directory: string) => path === directory || path.startsWith(`${directory}/`);

function tools(): SandboxMount[] {
  const found = HOST_DIRECTORIES.filter(isDirectory);
  const own = [suiteRoot(), dirname(process.execPath)];
  const outside = own.filter(path => !found.some(directory => isBelow(path, directory)));
  const bin = isDirectory('/bin') ? [bindMount('/bin', HOST_BIN, true)] : [];
  return [...found.map(same), ...outside.map(same), ...bin];
}

/** Often a symlink into /run, which the capsule has of its own. */
function nameServers(): SandboxMount[] {
  try {
    const path = realpathSync('/etc/resolv.conf');
    return isBelow(path, '/etc') ? [] : [same(path)];
  } catch {
    return [];
  }
}

/** Directories of ours and of the settings, where they are on the host too. */
function stores(layout: Layout, settings: Settings): SandboxMount[] {
  const cache = layout.cache('');
  mkdirSync(cache, { recursive: true });
  const places = [layout.storageDir, settings.cacheDir && atHome(settings.cacheDir)];
  const volumes = Object.entries(settings.externalVolumes).map(([name, path]) => ({
    name,
    path: atHome(path),
  }));
  return [
    bindMount(cache, '/vagga/cache'),
    ...places
      .filter(path => path !== undefined && path !== '')
      .map(path => bindMount(path as string, path as string)),
    ...volumes.flatMap(({ name, path }) => [bindMount(path, `/volumes/${name}`), bindMount(path, path)]),
  ];
}

/** The later of two mounts on the same place counts: the project may be where tools are. */
export function capsuleMounts(layout: Layout, settings: Settings): SandboxMount[] {
  const mounts = [
    tmpfs('/tmp', 0o1777),
    tmpfs('/var/tmp', 0o1777),
    tmpfs('/run', 0o755),
    ...tools(),
    ...nameServers(),
    ...stores(layout, settings),
    bindMount(layout.root, layout.root),
    projectMount(layout.root),
  ];
  return [...new Map(mounts.map(mount => [mount.target, mount])).values()];
}
