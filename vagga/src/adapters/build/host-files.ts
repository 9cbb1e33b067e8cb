// resolv.conf and hosts of the image while it is built.
import { readFileSync, writeFileSync } from 'node:fs';
import { truncateInImage } from './copy.ts';
import { fileInRoot, makeDirectories } from './in-root.ts';

/** Steps resolve names as the host does; the end of the build empties both files. */
export function putHostFiles(root: string): void {
  makeDirectories(root, '/etc', 0o755);
  for (const name of ['/etc/resolv.conf', '/etc/hosts']) {
    truncateInImage(root, name);
    try {
      writeFileSync(fileInRoot(root, name), readFileSync(name));
    } catch {
      // Neither a host without the file nor an image that keeps it elsewhere stops a build.
    }
  }
}

/** A new root brings its own files. */
export async function thenHostFiles(
  context: { readonly root: string },
  failed: Promise<string | undefined>,
): Promise<string | undefined> {
  const problem = await failed;
  if (problem === undefined) putHostFiles(context.root);
  return problem;
}
