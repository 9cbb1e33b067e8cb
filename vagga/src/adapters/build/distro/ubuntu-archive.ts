// `!UbuntuRelease` with `url`: a root file system that somebody has packed.
import { rmSync } from 'node:fs';
import { unpackTar } from '../../archive/unpack.ts';
import { fileOf } from '../../download/cached.ts';
import type { BuildContext } from '../context.ts';
import { downloadContext } from '../downloads.ts';
import { putHostFiles } from '../host-files.ts';
import { inRoot } from '../in-root.ts';
import { codenameOf } from './image-release.ts';
import { writeUbuntuSources } from './ubuntu.ts';

/** Ours are in the way of those of the archive, which often are links to where a running system keeps them. */
function removeHostFiles(root: string): void {
  for (const path of ['/etc/resolv.conf', '/etc/hosts']) rmSync(inRoot(root, path, false), { force: true });
}

/** Undefined when it went well, else why not. */
export async function unpackUbuntu(
  context: BuildContext,
  url: string,
  expected: string | undefined,
): Promise<string | undefined> {
  const { root, signal } = context;
  const archive = await fileOf(downloadContext(context), { urls: [url] });
  removeHostFiles(root);
  await unpackTar({ archive, root, base: [], subdir: '', owners: 'kept', signal });
  removeHostFiles(root);
  putHostFiles(root);
  const codename = codenameOf(root);
  if (codename === undefined) return `${url} holds no Ubuntu: /etc/lsb-release names no codename`;
  if (expected !== undefined && expected !== codename)
    return `${url} holds ${codename}, but ${expected} is expected`;
  return await writeUbuntuSources(context, codename);
}
