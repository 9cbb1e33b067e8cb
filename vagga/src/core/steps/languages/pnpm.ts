// `!PnpmDependencies`: what a pnpm-lock.yaml says, into the global modules.
import { isObject, type JsonObject, projectFile } from '../../image/project-files.ts';
import { type BuildAction, type BuildState, done, type PlanStep, refuse } from '../state.ts';
import { inProject, withNode } from './node-project.ts';
import { npmInstall } from './npm.ts';
import { isUsed, withUsed } from './used.ts';

/** Empty where it cannot be read: pnpm says what is wrong. */
function parsed(text: string | undefined): JsonObject {
  try {
    const manifest: unknown = JSON.parse(text ?? '');
    return isObject(manifest) ? manifest : {};
  } catch {
    return {};
  }
}

/** Major version of the lock → of the last pnpm that reads it; later locks are those of the newest one. */
const LAST_TO_READ: Readonly<Record<string, string>> = { 5: 'pnpm@7', 6: 'pnpm@8' };

/**
 * `pnpm@VERSION` as the project's `packageManager` asks for it (a checksum behind it is Corepack's), else one for the lock.
 */
function wantedPnpm({ packageManager }: JsonObject, lock: string): string {
  const asked = /^pnpm@\d[^+\s]*/.exec(String(packageManager))?.[0];
  const [, major = ''] = /^lockfileVersion: '?(\d+)/m.exec(lock) ?? [];
  return asked ?? LAST_TO_READ[major] ?? 'pnpm';
}

/** What is installed would be links to packages whose own dependencies are elsewhere. */
function ofWorkspace(manifest: JsonObject): string | undefined {
  const groups = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies];
  const all = groups.filter(isObject).flatMap(group => Object.entries(group));
  return all.find(([, version]) => String(version).startsWith('workspace:'))?.[0];
}

/** pnpm itself comes by npm; what never changes, an exact version, need not be asked for again. */
const fetchPnpm = (state: BuildState, wanted: string): BuildAction =>
  npmInstall(state, ...(/@\d+\.\d+\.\d+/.test(wanted) ? ['--prefer-offline'] : []), wanted);

/** The links of pnpm are relative, so what it installs can be moved. */
export const planPnpmDependencies: PlanStep = (value, state, world) => {
  const { dir, production } = value as { dir: string; production: boolean };
  const manifest = parsed(world.readText(projectFile(dir, 'package.json')));
  const lock = world.readText(projectFile(dir, 'pnpm-lock.yaml')) ?? '';
  const neighbour = ofWorkspace(manifest);
  if (neighbour !== undefined)
    return refuse(
      `${neighbour} is a package of the workspace: !PnpmDependencies installs packages of a registry; ` +
        'run pnpm in a command for a project of several packages',
    );
  const ready = withNode(state, 'npm');
  if (!ready.ok) return ready;
  const words = [
    'pnpm',
    'install',
    '--frozen-lockfile',
    // Only this project, where it is part of a workspace.
    '--config.recursive-install=false',
    '--store-dir=/tmp/pnpm-store',
    '--package-import-method=copy',
  ];
  const argv = [...words, ...(production ? ['--prod'] : [])];
  const needed = isUsed(ready.state, 'pnpm') ? [] : [fetchPnpm(ready.state, wantedPnpm(manifest, lock))];
  const install = inProject(ready.state, dir, argv, { '/tmp/pnpm-store': 'pnpm-store' });
  return done(withUsed(ready.state, 'pnpm'), ...ready.actions, ...needed, install);
};
