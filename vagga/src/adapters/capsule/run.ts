// A process in the capsule, the place beside all images in which `!CapsuleCommand` and `_build_shell` work (§1.6, §5.2).
import { join } from 'node:path';

import { DEFAULT_IDS } from '../../config/defaults.ts';
import type { CapsuleCommand } from '../../config/model.ts';
import { capsuleSettings } from '../../core/capsule-settings.ts';
import { ROOT_USER, userNamespace } from '../../core/ids/process-user.ts';
import { identityMaps } from '../../core/ids/session.ts';
import { commandEnvironment } from '../../core/run/environment.ts';
import { atHome, type Layout } from '../image/layout.ts';
import { currentIds, IDS_VARIABLE, toldFor } from '../namespace/current.ts';
import { createBundle } from '../oci/bundle.ts';
import { sandboxOf } from '../oci/sandbox.ts';
import { ENGINE_VARIABLE, engineNote } from '../oci/told.ts';
import type { Cache, CachedRuntime } from '../project/cache.ts';
import { IN_CAPSULE } from '../project/in-capsule.ts';
import type { NotStarted, Prepared } from '../run/prepare.ts';
import { preparedBundle } from '../run/prepared.ts';
import { proxyVariables } from '../run/proxies.ts';
import { placeProblem } from '../run/seen.ts';
import { findBusybox } from './busybox.ts';
import { heldCapabilities } from './capabilities.ts';
import { capsuleMounts } from './mounts.ts';
import { capsuleRoot } from './root.ts';

/** The capsule's own tools; those of the host are for vagga. */
const PATH = '/vagga/bin:/bin';

export interface CapsuleRequest {
  readonly layout: Layout;
  readonly cache: Cache;
  readonly engine: CachedRuntime;
  readonly command: Pick<CapsuleCommand, 'uids' | 'gids' | 'environ' | 'workDir' | 'isolateNetwork'>;
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly own: Readonly<Record<string, string>>;
  readonly isolateNetwork: boolean;
  readonly terminal: boolean;
}

/** A vagga inside lives in the namespace of our session, like ourselves. */
const USUAL_IDS = { uids: DEFAULT_IDS, gids: DEFAULT_IDS };

const NO_BUSYBOX =
  'the capsule needs a static BusyBox on the host: install it (Debian, Ubuntu: apt install busybox-static)';

function environment({
  cache,
  layout,
  command,
  engine,
  variables,
  own,
}: CapsuleRequest): Record<string, string> {
  const { cacheDir, externalVolumes } = cache.settings;
  const volumes = Object.entries(externalVolumes).map(([name, path]) => [name, atHome(path)]);
  const settings = capsuleSettings({
    ...cache.settings,
    ...(layout.storageDir !== undefined && { storageDir: layout.storageDir }),
    ...(cacheDir !== undefined && { cacheDir: atHome(cacheDir) }),
    externalVolumes: Object.fromEntries(volumes),
  });
  return commandEnvironment({
    caller: process.env,
    proxies: proxyVariables(cache),
    file: {},
    container: { PATH },
    command: command.environ,
    settings: cache.settings,
    options: variables,
    own: {
      ...own,
      VAGGA_SETTINGS: settings,
      [IN_CAPSULE]: '1',
      [ENGINE_VARIABLE]: engineNote(engine),
      [IDS_VARIABLE]: JSON.stringify({ ...toldFor(USUAL_IDS), warnings: [] }),
    },
  });
}

function workDirectory({ root }: Layout, workDir: string | undefined): string {
  if (workDir === undefined) return join('/work', process.cwd().slice(root.length));
  return workDir.startsWith('/') ? workDir : join('/work', workDir);
}

/** As root of the capsule with every right that we have: it is a home for vagga itself, which builds in it. */
export function prepareCapsule(request: CapsuleRequest): Prepared | NotStarted {
  const { layout, cache, engine, command, terminal } = request;
  const busybox = findBusybox();
  if (busybox === undefined) return { kind: 'ended', code: 122, stderr: `${NO_BUSYBOX}\n` };
  const namespace = userNamespace(currentIds().ids, command, ROOT_USER);
  if (!namespace.ok) return { kind: 'ended', code: 121, stderr: `${namespace.message}\n` };
  const rootPath = capsuleRoot(layout.base, layout.root, busybox);
  const mounts = capsuleMounts(layout, cache.settings);
  const cwd = workDirectory(layout, command.workDir);
  const covered = mounts.map(({ target }) => target);
  const misplaced = placeProblem({ rootPath, project: layout.root, covered }, cwd);
  if (misplaced !== undefined) return { kind: 'ended', code: 124, stderr: `${misplaced}\n` };
  const spec = sandboxOf(engine, {
    rootPath,
    readonlyRoot: true,
    args: request.argv,
    env: environment(request),
    cwd,
    mounts,
    terminal,
    network: request.isolateNetwork || command.isolateNetwork ? 'new' : 'host',
    user: ROOT_USER,
    userMaps: namespace.maps,
  });
  // With the host's /sys, as in a user namespace: engines look for cgroups there even when they need none.
  const insideUserNamespace = spec.insideUserNamespace ?? {
    gidMappings: identityMaps(currentIds().ids).gids,
  };
  const powers = { capabilities: heldCapabilities(), maskedPaths: [], readonlyPaths: [] };
  const all = { ...spec, ...powers, insideUserNamespace };
  const bundle = createBundle(layout.running, all);
  return preparedBundle(engine, bundle, { terminal, hasInit: spec.init !== undefined });
}
