// `image-cache-url`: an image that somebody has built and pushed, in place of a build.
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '@suite/shared/cli/progress.ts';
import { containerIds, type WantedIds } from '../../core/ids/session.ts';
import { unpackTar } from '../archive/unpack.ts';
import { type DownloadContext, fileOf, localPath } from '../download/cached.ts';
import type { Layout } from '../image/layout.ts';
import { currentIds } from '../namespace/current.ts';
import { noteWarning } from '../run/log.ts';
import { removeTree } from '../storage/remove-tree.ts';

export interface PrebuiltRequest {
  readonly layout: Layout;
  readonly name: string;
  /** Where it comes into being. */
  readonly slot: string;
  readonly hash: string;
  /** As written in the config. */
  readonly url: string;
  readonly wanted: WantedIds;
  readonly download: DownloadContext;
  readonly progress: Progress;
}

/** A server that is not there should not delay a build that can do without it. */
const RETRY_MS = 100;

function addressOf({ url, name, hash }: PrebuiltRequest): string {
  const values: Readonly<Record<string, string>> = { container_name: name, short_hash: hash.slice(0, 8) };
  return url.replace(/\$\{(container_name|short_hash)\}/g, (_, key: string) => values[key] ?? '');
}

async function unpackInto(directory: string, request: PrebuiltRequest): Promise<void> {
  const { download, wanted } = request;
  const url = addressOf(request);
  const archive = await fileOf({ ...download, retryMs: RETRY_MS }, { urls: [url], refresh: true });
  try {
    if (!statSync(archive).isFile()) throw new Error(`${url} is not a file`);
    const root = join(directory, 'root');
    mkdirSync(root);
    const { signal } = download;
    await unpackTar({ archive, root, base: [], subdir: '', owners: 'kept', signal, plain: true });
  } finally {
    // The image itself is the copy to keep.
    if (localPath(download, url) === undefined) rmSync(archive, { force: true });
  }
  const ids = containerIds(currentIds().ids, wanted);
  if (!ids.ok) throw new Error(ids.message);
  writeFileSync(join(directory, 'uid_map'), ids.uidMap);
  writeFileSync(join(directory, 'gid_map'), ids.gidMap);
}

/** True: the place `slot`, whose lock the caller holds, is the finished image. False: it must be built; why was said. */
export async function fetchPrebuilt(request: PrebuiltRequest): Promise<boolean> {
  const { layout, slot, name, progress } = request;
  const directory = layout.temporary(slot);
  await removeTree(directory);
  mkdirSync(directory, { recursive: true });
  const shown = progress.start(`${name}: image ${addressOf(request)}`);
  try {
    await unpackInto(directory, {
      ...request,
      download: { ...request.download, say: text => shown.update(text) },
    });
    shown.done();
    return true;
  } catch (error) {
    const { message } = error as Error;
    shown.failed('not used');
    await removeTree(directory);
    if (!request.download.signal.aborted)
      noteWarning(
        progress,
        'vagga::wrapper::build',
        `Error when unpacking image: ${message}. Will clean and build it locally...`,
      );
    return false;
  }
}
