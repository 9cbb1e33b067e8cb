// A shell in a tree made of layers, with the project at `/work`. What is written in it is gone when it ends.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_USER, userNamespace } from '../../core/ids/process-user.ts';
import type { WantedIds } from '../../core/ids/session.ts';
import type { BuildState } from '../../core/steps/state.ts';
import type { Layout } from '../image/layout.ts';
import { separateMounts } from '../layers/show.ts';
import { LayerStore } from '../layers/store.ts';
import { LayeredTree } from '../layers/tree.ts';
import { currentIds } from '../namespace/current.ts';
import { createBundle } from '../oci/bundle.ts';
import { projectMount, sandboxOf } from '../oci/sandbox.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { runForeground } from '../run/foreground.ts';
import { preparedBundle } from '../run/prepared.ts';
import { wantsTerminal } from '../run/terminal.ts';
import { inRoot } from './in-root.ts';

const SHELLS = ['/bin/bash', '/bin/sh', '/bin/busybox'];

function shellOf(root: string): string[] | undefined {
  const shell = SHELLS.find(path => existsSync(inRoot(root, path)));
  if (shell === undefined) return undefined;
  return shell === '/bin/busybox' ? [shell, 'sh'] : [shell];
}

export interface ShellRequest {
  readonly layout: Layout;
  readonly name: string;
  readonly ids: WantedIds;
  readonly engine: CachedRuntime;
}

/** Where and how it looks around. */
export interface ShellTree {
  /** Ids or absolute paths, bottom first. */
  readonly layers: readonly string[];
  readonly env: BuildState['env'];
  /** A directory of its own, removed at the end. */
  readonly work: string;
}

/** The shell's exit code, or a sentence why there is none. */
export async function shellInTree(
  request: ShellRequest,
  { layers, env, work }: ShellTree,
): Promise<number | string> {
  const { layout } = request;
  rmSync(work, { recursive: true, force: true });
  separateMounts();
  const store = new LayerStore(layout.layers);
  store.hold();
  const tree = new LayeredTree(store, join(work, 'tree'), work);
  for (const layer of layers) tree.push(layer);
  mkdirSync(work, { recursive: true });
  await tree.open();
  try {
    const shell = shellOf(tree.root);
    if (shell === undefined) return 'There is no shell in it (/bin/bash, /bin/sh or /bin/busybox)';
    return await run(request, tree.root, shell, env);
  } finally {
    await tree.end();
    rmSync(work, { recursive: true, force: true });
  }
}

async function run(
  { layout, ids, engine }: ShellRequest,
  rootPath: string,
  args: readonly string[],
  env: ShellTree['env'],
): Promise<number | string> {
  const namespace = userNamespace(currentIds().ids, ids, ROOT_USER);
  if (!namespace.ok) return namespace.message;
  const terminal = wantsTerminal();
  const spec = sandboxOf(engine, {
    rootPath,
    readonlyRoot: false,
    args,
    env: terminal ? { ...env, TERM: process.env.TERM ?? 'linux' } : env,
    cwd: '/work',
    mounts: [projectMount(layout.root), { type: 'tmpfs', target: '/run', readonly: false, mode: 0o755 }],
    terminal,
    network: 'host',
    user: ROOT_USER,
    userMaps: namespace.maps,
  });
  const bundle = createBundle(layout.running, spec);
  return await runForeground(preparedBundle(engine, bundle, { terminal, hasInit: spec.init !== undefined }));
}
