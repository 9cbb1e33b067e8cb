// `!Sh`, `!Cmd`, package managers: a program in the half-built image, as a container with a writable root.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { ROOT_USER, userNamespace } from '../../core/ids/process-user.ts';
import type { ImageSource, Mounts } from '../../core/steps/mounts.ts';
import type { BuildAction } from '../../core/steps/state.ts';
import { currentIds } from '../namespace/current.ts';
import { createBundle } from '../oci/bundle.ts';
import { engineCommand, startCommand } from '../oci/engine.ts';
import { bindMount, projectMount, sandboxOf } from '../oci/sandbox.ts';
import { logCommand } from '../run/log.ts';
import { runChild } from './child.ts';
import type { BuildContext } from './context.ts';
import { inRoot, makeDirectories } from './in-root.ts';
import { missingProgram } from './program.ts';
import { sshAgentOf } from './ssh-agent.ts';

type RunAction = Extract<BuildAction, { kind: 'run' }>;

function cacheMount(context: BuildContext, target: string, name: string): SandboxMount {
  const source = context.cacheDirectory(name);
  makeDirectories(context.root, target, 0o755);
  return bindMount(source, target);
}

function imageMount(context: BuildContext, target: string, { container, source }: ImageSource): SandboxMount {
  const path = inRoot(context.parentRoot(container), source);
  if (!existsSync(path)) throw new Error(`${source} does not exist in container "${container}"`);
  return bindMount(path, target, true);
}

/** Outer places first, so that an inner one is not covered. */
function mountsOf(context: BuildContext, mounts: Mounts): SandboxMount[] {
  const byDepth = Object.entries(mounts).sort(([a], [b]) => a.split('/').length - b.split('/').length);
  return byDepth.map(([target, what]) =>
    typeof what === 'string' ? cacheMount(context, target, what) : imageMount(context, target, what),
  );
}

async function spec(context: BuildContext, action: RunAction, mounts: readonly SandboxMount[]) {
  const { user = ROOT_USER, isolateNetwork = false } = action;
  const namespace = userNamespace(currentIds().ids, context.ids, user);
  if (!namespace.ok) throw new Error(namespace.message);
  const agent = sshAgentOf(context, process.env);
  return sandboxOf(context.engine, {
    rootPath: context.root,
    readonlyRoot: false,
    args: action.argv,
    env: { ...action.env, ...agent.env },
    cwd: action.cwd ?? '/work',
    mounts: [
      projectMount(context.layout.root),
      { type: 'tmpfs', target: '/run', readonly: false, mode: 0o755 },
      ...agent.mounts,
      ...mounts,
      ...mountsOf(context, action.caches),
    ],
    terminal: false,
    network: isolateNetwork ? { path: (await context.isolatedNetwork()).path } : 'host',
    user,
    userMaps: namespace.maps,
  });
}

async function inContainer(
  context: BuildContext,
  action: RunAction,
  mounts: readonly SandboxMount[],
): Promise<string | undefined> {
  const bundle = createBundle(context.layout.running, await spec(context, action, mounts));
  const engine = (...words: readonly string[]) => {
    const [program = '', ...rest] = engineCommand(context.engine, ...words);
    spawnSync(program, rest, { stdio: 'ignore' });
  };
  try {
    return await runChild(startCommand(context.engine, bundle), {
      log: context.log,
      signal: context.signal,
      ...(action.outputFile !== undefined && { outputFile: join(context.directory, action.outputFile) }),
      forceEnd: () => engine('kill', bundle.id, 'KILL'),
    });
  } finally {
    // After a normal end there is nothing left to delete; after an interrupt there may be.
    if (context.signal.aborted) engine('delete', '--force', bundle.id);
    bundle.remove();
  }
}

/** `mounts` go below /run, which is empty, or where the image has a directory. Undefined when the program ended with code 0, else what happened. */
export async function runInImage(
  context: BuildContext,
  action: RunAction,
  mounts: readonly SandboxMount[] = [],
): Promise<string | undefined> {
  const missing = missingProgram(context, action);
  if (missing !== undefined) return missing;
  logCommand('vagga::builder::commands', action.argv, action.env);
  const run = () => inContainer(context, action, mounts);
  return action.lock === undefined ? await run() : await context.locked(action.lock, run);
}
