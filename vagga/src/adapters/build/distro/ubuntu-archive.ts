// `!UbuntuRelease` with `url`: a root file system that somebody has packed.
import { unpackTar } from '../../archive/unpack.ts';
import { fileOf } from '../../download/cached.ts';
import type { BuildContext } from '../context.ts';
import { downloadContext } from '../downloads.ts';
import { codenameOf } from './image-release.ts';
import { writeUbuntuSources } from './ubuntu.ts';

/** Undefined when it went well, else why not. */
export async function unpackUbuntu(
  context: BuildContext,
  url: string,
  expected: string | undefined,
): Promise<string | undefined> {
  const { root, signal } = context;
  const archive = await fileOf(downloadContext(context), { urls: [url] });
  await unpackTar({ archive, root, base: [], subdir: '', owners: 'kept', signal });
  const codename = codenameOf(root);
  if (codename === undefined) return `${url} holds no Ubuntu: /etc/lsb-release names no codename`;
  if (expected !== undefined && expected !== codename)
    return `${url} holds ${codename}, but ${expected} is expected`;
  return await writeUbuntuSources(context, codename);
}
