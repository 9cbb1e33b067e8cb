// The table from planned actions to what carries them out.
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildAction } from '../../core/steps/state.ts';
import { download, tarInstall, unpack } from './archives.ts';
import type { BuildContext } from './context.ts';
import { copyFromImage, copyIntoImage, truncateInImage } from './copy.ts';
import { keepOnly } from './data-dirs.ts';
import { PACKAGE_EXECUTORS } from './distro/executors.ts';
import { copyRoot } from './distro/mmdebstrap.ts';
import { gitCheckout, gitDescribe, gitInstall } from './git.ts';
import { putHostFiles, thenHostFiles } from './host-files.ts';
import { fileInRoot, inRoot, makeDirectories } from './in-root.ts';
import { ociImage } from './oci-image.ts';
import { runInImage } from './run-step.ts';

type Kind = BuildAction['kind'];
type Of<K extends Kind> = Extract<BuildAction, { kind: K }>;
/** Returns what went wrong; may also throw a sentence for the user. */
type Execute<K extends Kind> = (
  context: BuildContext,
  action: Of<K>,
) => Promise<string | undefined> | undefined;

function emptyDirectory(path: string): void {
  let names: string[];
  try {
    names = readdirSync(path);
  } catch {
    return;
  }
  for (const name of names) rmSync(join(path, name), { recursive: true, force: true });
}

function writeInImage(root: string, path: string, text: string, mode: number): undefined {
  const target = fileInRoot(root, path);
  try {
    writeFileSync(target, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'its directory does not exist in the image' : code;
    throw new Error(`cannot write ${path}: ${reason}`);
  }
  chmodSync(target, mode);
}

const EXECUTORS: { readonly [K in Kind]: Execute<K> } = {
  ...PACKAGE_EXECUTORS,
  'copy-root': (context, { container }) =>
    thenHostFiles(context, copyRoot(context, context.parentRoot(container), context.root)),
  run: runInImage,
  download,
  unpack,
  'tar-install': tarInstall,
  'git-checkout': gitCheckout,
  'oci-image': ociImage,
  'git-install': gitInstall,
  'git-describe': gitDescribe,
  'write-file': ({ root }, { path, text, mode }) => writeInImage(root, path, text, mode),
  copy: (context, { copy, container }) => {
    if (container === undefined) copyIntoImage(context.root, context.layout.root, copy);
    else copyFromImage(context.root, context.parentRoot(container), copy);
    return undefined;
  },
  'sub-step': async (context, { title, actions }) => {
    const failed = await execute(context, actions);
    return failed === undefined ? undefined : `sub-step ${title} failed: ${failed}`;
  },
  'host-files': ({ root }) => {
    putHostFiles(root);
    return undefined;
  },
  'ensure-directory': ({ root }, { path, mode }) => {
    makeDirectories(root, path, mode);
    return undefined;
  },
  'empty-directory': ({ root }, { path }) => {
    emptyDirectory(inRoot(root, path));
    return undefined;
  },
  truncate: ({ root }, { path }) => {
    truncateInImage(root, path);
    return undefined;
  },
  'keep-only': keepOnly,
  remove: ({ root }, { path }) => {
    rmSync(inRoot(root, path, false), { recursive: true, force: true });
    return undefined;
  },
};

/** Undefined when all went well, else what went wrong in the first that failed. */
export async function execute(
  context: BuildContext,
  actions: readonly BuildAction[],
): Promise<string | undefined> {
  for (const action of actions) {
    if (context.signal.aborted) return 'was interrupted';
    const failed = await executeOne(context, action);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

async function executeOne(context: BuildContext, action: BuildAction): Promise<string | undefined> {
  const run = EXECUTORS[action.kind] as Execute<Kind>;
  try {
    return await run(context, action);
  } catch (error) {
    return (error as Error).message;
  }
}
