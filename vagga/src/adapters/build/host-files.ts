import { readFileSync, writeFileSync } from 'node:fs';
import { truncateInImage } from './copy.ts';
import { inRoot, makeDirectories } from './in-root.ts';

/** Steps resolve names as the host does; the end of the build empties both files. */
export function putHostFiles(root: string): void {
  makeDirectories(root, '/etc', 0o755);
  for (const name of ['/etc/resolv.conf', '/etc/hosts']) {
    truncateInImage(root, name);
    const target = inRoot(root, name);
    try {
      writeFileSync(target, readFileSync(name));
    } catch {
      // Neither a host without the file nor an image that keeps it elsewhere stops a build.
    }
  }
}
