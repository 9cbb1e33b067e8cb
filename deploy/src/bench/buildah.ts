import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

// The peer of the builds, as quick as it gets without a running container engine; a store of its own, so that nothing of the
// machine's is touched.

const storeOptions = (directory: string): string[] => [
  '--root',
  join(directory, 'store'),
  '--runroot',
  join(directory, 'run'),
  '--storage-driver=overlay',
];

/** Builds `tag` from the Dockerfile of the current directory, with the store in `directory`. */
export function buildahBuild(directory: string, tag: string): string[] {
  const options = ['--layers', '--isolation=chroot', '-q', '-t', tag];
  return ['buildah', ...storeOptions(directory), 'build', ...options, '.'];
}

/** With the store in it, also when buildah was stopped in the middle: it leaves the store mounted on itself. */
export function removeWithStore(directory: string): void {
  spawnSync('buildah', [...storeOptions(directory), 'rmi', '--all', '--force'], { stdio: 'ignore' });
  spawnSync('umount', ['--lazy', join(directory, 'store/overlay')], { stdio: 'ignore' });
  rmSync(directory, { recursive: true, force: true });
}
