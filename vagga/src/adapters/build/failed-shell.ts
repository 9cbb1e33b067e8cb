// A shell in the tree of a build that has failed, as the failed step would have found it after what it did.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
import { takeLock } from './lock.ts';

const NOTE = 'failed.json';
const SHELLS = ['/bin/bash', '/bin/sh', '/bin/busybox'];

type Environment = BuildState['env'];

/** Beside the half-built tree: what its shell must know. */
export function noteFailed(directory: string, env: Environment): void {
  writeFileSync(join(directory, NOTE), JSON.stringify({ env }));
}

function environmentOf(directory: string): Environment | undefined {
  try {
    return (JSON.parse(readFileSync(join(directory, NOTE), 'utf8')) as { env: Environment }).env;
  } catch {
    return undefined;
  }
}

/** With `versioned-build-dir` there may be several failed builds: the latest. */
function failedSlot(layout: Layout, name: string): string {
  const prefix = `.tmp.${name}.`;
  const names = existsSync(layout.roots) ? readdirSync(layout.roots) : [];
  const versions = names.filter(one => one.startsWith(prefix) && /\.[0-9a-f]{8}$/.test(one));
  const slots = [name, ...versions.map(one => one.slice('.tmp.'.length))];
  const failedMs = (slot: string) =>
    statSync(join(layout.temporary(slot), NOTE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return slots.reduce((latest, slot) => (failedMs(slot) > failedMs(latest) ? slot : latest));
}

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

/** The shell's exit code, or a sentence why there is none. What is written in it is gone when it ends. */
export async function shellInFailed(request: ShellRequest): Promise<number | string> {
  const { layout, name } = request;
  const slot = failedSlot(layout, name);
  const directory = layout.temporary(slot);
  const env = environmentOf(directory);
  if (env === undefined)
    return `There is no failed build of container "${name}" (an interrupted one leaves nothing)`;
  const lock = await takeLock(layout.lock(slot), 0, new AbortController().signal);
  if (lock === 'busy') return `Container "${name}" is being built by another process`;
  if (lock instanceof Error) return lock.message;
  try {
    return await inTree(request, directory, env);
  } finally {
    await lock.release();
  }
}

async function inTree(request: ShellRequest, directory: string, env: Environment): Promise<number | string> {
  const { layout } = request;
  const work = join(directory, 'cache');
  rmSync(work, { recursive: true, force: true });
  separateMounts();
  const store = new LayerStore(layout.layers);
  store.hold();
  const tree = new LayeredTree(store, join(work, 'tree'), work);
  tree.push(join(directory, 'root'));
  await tree.open();
  try {
    const shell = shellOf(tree.root);
    if (shell === undefined) return `There is no shell in it; its files are in ${join(directory, 'root')}`;
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
  env: Environment,
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
