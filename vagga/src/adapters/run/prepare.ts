// One command of the project as a container that is ready to start.
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { NamespaceChoice } from '@suite/shared/oci/sandbox.ts';
import { SEARCH_PATH } from '../../config/defaults.ts';
import type { RunCommand } from '../../config/model.ts';
import { userNamespace } from '../../core/ids/process-user.ts';
import { waitingForAll } from '../../core/run/arguments.ts';
import { commandEnvironment, parseEnvironmentFile } from '../../core/run/environment.ts';
import { textInRoot } from '../build/in-root.ts';
import type { Layout } from '../image/layout.ts';
import { currentIds } from '../namespace/current.ts';
import { middleOfNetwork, type NetworkPlace } from '../network/place.ts';
import { type Bundle, createBundle } from '../oci/bundle.ts';
import { sandboxOf } from '../oci/sandbox.ts';
import type { Cache, CachedRuntime } from '../project/cache.ts';
import { mountsOf } from '../volumes/mounts.ts';
import type { RunVolumes } from '../volumes/run-volumes.ts';
import { preparedBundle } from './prepared.ts';
import { findProgram } from './program.ts';
import { proxyVariables } from './proxies.ts';
import { type Places, placeProblem } from './seen.ts';

export interface RunRequest {
  readonly layout: Layout;
  readonly cache: Cache;
  readonly engine: CachedRuntime;
  readonly command: RunCommand;
  readonly hash: string;
  /** What the container runs: program and arguments. */
  readonly argv: readonly string[];
  /** `--env-file`, `-e` and `-E`. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Variables of vagga itself; they win over everything. */
  readonly own: Readonly<Record<string, string>>;
  /** Look for the program where it usually is, whatever PATH the command gets. */
  readonly usualPath?: boolean;
  /** In place of the image's own root: a copy that may be written. */
  readonly writableRoot?: string;
  /** Absent on the short path, which cannot have every volume. */
  readonly volumes?: RunVolumes;
  readonly isolateNetwork: boolean;
  /** Its place in a network of tests; nothing else then says which network it has. */
  readonly networkPlace?: NetworkPlace;
  /** Shared with others, in place of an own one. */
  readonly network?: NamespaceChoice;
  readonly terminal: boolean;
  /** Descriptors of ours that become 3 and up of the program. */
  readonly fds?: readonly number[];
  /** Gets what is started in the container. */
  readonly onStart?: (argv: readonly string[], env: Readonly<Record<string, string>>) => void;
}

export interface Prepared {
  readonly kind: 'prepared';
  /** The engine's command line. */
  readonly argv: readonly string[];
  readonly bundle: Bundle;
  readonly engine: CachedRuntime;
  /** PID 1 is an init of ours, the program its child. */
  readonly hasInit: boolean;
  /** It has a terminal of its own that the engine copies from and to ours. */
  readonly terminal: boolean;
  readonly fds?: readonly number[];
  /** File for what the engine has not copied from the terminal; see terminal-tail.ts. */
  readonly tail?: string;
  /** A process that has the terminal of its own as input. */
  readonly terminalPid?: () => number | undefined;
}

/** The command does not start: its exit code and what to say where. */
export interface NotStarted {
  readonly kind: 'ended';
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const wrong = (message: string): NotStarted => ({ kind: 'ended', code: 124, stderr: `${message}\n` });

function fileVariables(rootPath: string, path: string | undefined): Record<string, string> | string {
  if (path === undefined) return {};
  let text: string;
  try {
    text = textInRoot(rootPath, path);
  } catch {
    return `environ-file ${path} cannot be read`;
  }
  const parsed = parseEnvironmentFile(text);
  return parsed.ok ? parsed.variables : `environ-file ${path}: line ${parsed.line} has no equals sign`;
}

/** The argv with its program found, or what is missing where. */
function located(
  request: RunRequest,
  places: Places,
  ownPath: string,
  cwd: string,
): readonly string[] | NotStarted {
  const [program = '', ...rest] = request.argv;
  const path = request.usualPath ? SEARCH_PATH : ownPath;
  const found = findProgram(places, program, path, cwd);
  const name = request.usualPath ? JSON.stringify(program) : program;
  if (found === undefined)
    return wrong(`Command ${name} not found${program.includes('/') ? '' : ` in ${JSON.stringify(path)}`}`);
  return request.usualPath ? [found, ...rest] : request.argv;
}

/** A relative `work-dir` is below /work; without one it is where vagga was started. */
function workDirectory(layout: Layout, command: RunCommand): string {
  const { workDir } = command;
  if (workDir === undefined) return join('/work', process.cwd().slice(layout.root.length));
  return workDir.startsWith('/') ? workDir : join('/work', workDir);
}

export function prepareRun(request: RunRequest): Prepared | NotStarted {
  const { layout, cache, command, engine } = request;
  const container = cache.project.containers[command.container];
  if (container === undefined)
    return { kind: 'ended', code: 121, stderr: `Container "${command.container}" not found\n` };
  const image = layout.image(command.container, request.hash);
  const rootPath = request.writableRoot ?? layout.rootOf(command.container, request.hash);
  const place = {
    layout,
    rootPath,
    writableRoot: request.writableRoot !== undefined,
    externalVolumes: cache.settings.externalVolumes,
    ...(request.networkPlace?.resolvConf !== undefined && { resolvConf: request.networkPlace.resolvConf }),
  };
  const full = request.volumes;
  const mounts = mountsOf({ ...place, ...(full !== undefined && { full }) }, container, command);
  if (!mounts.ok) return wrong(mounts.message);
  const file = fileVariables(rootPath, container.environFile);
  if (typeof file === 'string') return wrong(file);
  const env = commandEnvironment({
    caller: process.env,
    proxies: proxyVariables(cache),
    file,
    container: container.environ,
    command: command.environ,
    settings: cache.settings,
    options: request.variables,
    own: request.own,
  });
  const namespace = userNamespace(currentIds().ids, container, command);
  if (!namespace.ok) return { kind: 'ended', code: 121, stderr: `${namespace.message}\n` };
  const covered = mounts.mounts.map(({ target }) => target);
  const places = { rootPath, project: layout.root, covered };
  const cwd = workDirectory(layout, command);
  const misplaced = placeProblem(places, cwd);
  if (misplaced !== undefined) return wrong(misplaced);
  const argv = located(request, places, env.PATH ?? '', cwd);
  if ('kind' in argv) return argv;
  const { networkPlace } = request;
  const middle = middleOfNetwork(networkPlace, rootPath, mounts.mounts);
  if (typeof middle === 'string') return wrong(middle);
  const spec = sandboxOf(engine, {
    rootPath,
    readonlyRoot: request.writableRoot === undefined,
    args: command.pid1mode === 'wait-all-children' ? waitingForAll(argv) : argv,
    ownInit: command.pid1mode !== 'exec',
    env,
    cwd,
    mounts: [...mounts.mounts, ...middle.mounts],
    moreCapabilities: middle.capabilities,
    ...(networkPlace?.hostname !== undefined && { hostname: networkPlace.hostname }),
    terminal: request.terminal,
    network:
      networkPlace ?? request.network ?? (request.isolateNetwork || command.isolateNetwork ? 'new' : 'host'),
    user: command,
    userMaps: networkPlace?.bridge === undefined ? namespace.maps : undefined,
  });
  request.onStart?.(argv, env);
  touch(join(image, 'last_use'));
  const bundle = createBundle(layout.running, spec);
  return preparedBundle(engine, request.volumes === undefined ? bundle : releasing(bundle, request.volumes), {
    terminal: request.terminal,
    hasInit: spec.init !== undefined,
    ...(request.fds !== undefined && { fds: request.fds }),
  });
}

function releasing(bundle: Bundle, volumes: RunVolumes): Bundle {
  return {
    ...bundle,
    remove: () => {
      bundle.remove();
      volumes.release();
    },
  };
}

/** When an image was last used decides whether it may be cleaned. */
function touch(path: string): void {
  const now = Date.now() / 1000;
  try {
    utimesSync(path, now, now);
  } catch {
    // Removed by hand: nothing that should stop a command.
  }
}
