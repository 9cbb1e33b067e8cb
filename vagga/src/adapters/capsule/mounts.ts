// What the capsule sees of the host: its tools and libraries to read, the project and vagga's own directories to write.
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { Settings } from '../../config/settings-model.ts';
import { atHome, type Layout } from '../image/layout.ts';
import { bindMount, projectMount } from '../oci/sandbox.ts';
import {
  HOST_BIN,
  HOST_DIRECTORIES,
  isBelow,
  isHidden,
  isUsualPlace,
  NODE,
  SUITE,
  suiteRoot,
} from './root.ts';

const isDirectory = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const tmpfs = (target: string, mode: number): SandboxMount => ({
  type: 'tmpfs',
  target,
  readonly: false,
  mode,
});

/** Read-only, at the very path that the host has. */
const same = (path: string): SandboxMount => bindMount(path, path, true);

function tools(): SandboxMount[] {
  const node = dirname(process.execPath);
  return [
    ...HOST_DIRECTORIES.filter(isDirectory).map(same),
    ...(isDirectory('/bin') ? [bindMount('/bin', HOST_BIN, true)] : []),
    ...(isUsualPlace(node) ? [] : [bindMount(node, NODE, true)]),
    bindMount(suiteRoot(), SUITE, true),
  ];
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
  const volumes = Object.entries(settings.externalVolumes).map(([name, path]): [string, string] => [
    name,
    atHome(path),
  ]);
  const paths = [
    ...places.filter(path => path !== undefined && path !== ''),
    ...volumes.map(([, path]) => path),
  ];
  return [
    bindMount(cache, '/vagga/cache'),
    ...volumes.map(([name, path]) => bindMount(path, `/volumes/${name}`)),
    ...[...paths, layout.root]
      .filter(path => !isHidden(path as string))
      .map(path => bindMount(path as string, path as string)),
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
    projectMount(layout.root),
  ];
  return [...new Map(mounts.map(mount => [mount.target, mount])).values()];
}
