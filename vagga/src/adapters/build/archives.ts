// Executors of `!Download`, `!Tar`, `!TarInstall`, `!Unzip`.
import { chmodSync, constants, copyFileSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { utf8Text } from '../../core/archive/byte-text.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import { isProjectPath } from '../../core/image/project-path.ts';
import type { ArchiveAction } from '../../core/steps/archive-actions.ts';
import { unpackTar, unpackZip } from '../archive/unpack.ts';
import { fileOf, localPath } from '../download/cached.ts';
import type { BuildContext } from './context.ts';
import { downloadContext } from './downloads.ts';
import { putHostFiles } from './host-files.ts';
import { fileInRoot, inRoot, makeDirectories } from './in-root.ts';
import { runInImage } from './run-step.ts';

type Of<K extends ArchiveAction['kind']> = Extract<ArchiveAction, { kind: K }>;

interface Place {
  /** Directory of the host that `path` is below. */
  readonly root: string;
  readonly path: string;
}

/** `/work` is the project while an image is built, for steps as for the programs they start. */
function placeOf(context: BuildContext, path: string): Place {
  return isProjectPath(path)
    ? { root: context.layout.root, path: path.slice('/work'.length) }
    : { root: context.root, path };
}

const partsOf = (path: string): string[] =>
  utf8Text(path)
    .split('/')
    .filter(part => part !== '' && part !== '.');

export async function download(context: BuildContext, action: Of<'download'>): Promise<undefined> {
  const file = await fileOf(downloadContext(context), wanted(action));
  const { root, path } = placeOf(context, action.path);
  const target = fileInRoot(root, path);
  if (!lstatSync(dirname(target), { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${dirname(action.path)} does not exist in the image: create it with !EnsureDir`);
  }
  copyFileSync(file, target, constants.COPYFILE_FICLONE);
  chmodSync(target, action.mode);
}

function wanted({ url, sha256 }: { url: string; sha256?: string }) {
  return { urls: [url] as const, ...(sha256 !== undefined && { sha256 }) };
}

/**
 * Who answers in place of the server (a login page of the network, a proxy) sends no archive: it must not stay in the cache, where
 * without a checksum nothing would ever replace it.
 */
async function archiveOf(
  context: BuildContext,
  action: Of<'unpack' | 'tar-install'>,
  use: (archive: string) => Promise<void>,
): Promise<string> {
  const files = downloadContext(context);
  const archive = await fileOf(files, wanted(action));
  try {
    await use(archive);
  } catch (error) {
    const isOurs = localPath(files, action.url) === undefined && action.sha256 === undefined;
    if (!isOurs || !(error instanceof ArchiveError)) throw error;
    rmSync(archive, { force: true });
    throw new ArchiveError(`${error.message}; what ${action.url} sent is not kept`);
  }
  return archive;
}

export async function unpack(context: BuildContext, action: Of<'unpack'>): Promise<undefined> {
  const { root, path } = placeOf(context, action.path);
  const unpackInto = action.format === 'tar' ? unpackTar : unpackZip;
  const { subdir } = action;
  const { signal } = context;
  await archiveOf(context, action, archive =>
    unpackInto({ archive, root, base: partsOf(path), subdir, owners: 'ours', signal }),
  );
  if (action.path === '/') putHostFiles(context.root);
}

/** The one directory that nearly every source archive has. */
function onlyEntry(directory: string): string {
  const [name, another] = readdirSync(directory).filter(entry => !entry.startsWith('.'));
  if (name === undefined) throw new Error('Tar archive was empty');
  if (another !== undefined) {
    throw new Error(
      'Multiple entries in the root of the tar archive: set `subdir: "."` to run the script there',
    );
  }
  return name;
}

export async function tarInstall(
  context: BuildContext,
  action: Of<'tar-install'>,
): Promise<string | undefined> {
  const { root, signal } = context;
  const homeOf = (archive: string) => `/tmp/${basename(archive)}`;
  const home = homeOf(
    await archiveOf(context, action, async archive => {
      makeDirectories(root, homeOf(archive), 0o755);
      const base = partsOf(homeOf(archive));
      await unpackTar({ archive, root, base, subdir: '', owners: 'ours', signal });
    }),
  );
  const { subdir = onlyEntry(inRoot(root, home)), script, env, caches } = action;
  const cwd = join(home, subdir);
  return await runInImage(context, { kind: 'run', argv: ['/bin/sh', '-exc', script], env, caches, cwd });
}
