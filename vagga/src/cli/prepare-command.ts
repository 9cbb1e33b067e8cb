// From a command of the project to a container that is ready to start, with all the command line and settings say.
import type { NetworkPlace } from '../adapters/network/place.ts';
import { withEnvFiles } from '../adapters/run/env-files.ts';
import { withLimits } from '../adapters/run/limited.ts';
import { logCommand } from '../adapters/run/log.ts';
import { openPassedSocket } from '../adapters/run/passed-socket.ts';
import { type NotStarted, type Prepared, prepareRun } from '../adapters/run/prepare.ts';
import { wantsTerminal } from '../adapters/run/terminal.ts';
import { RunVolumes } from '../adapters/volumes/run-volumes.ts';
import type { RunCommand } from '../config/model.ts';
import { argvOf } from '../core/run/arguments.ts';
import type { Images } from './images.ts';
import { type Session, warn } from './session.ts';

/** Of log lines. */
const RUN = 'vagga::wrapper::run';

export interface Wish {
  readonly words: readonly string[];
  readonly own: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly isolateNetwork?: boolean;
  readonly usualPath?: boolean;
  readonly networkPlace?: NetworkPlace;
  /** Descriptors of ours for the program, from 3 on. */
  readonly fds?: readonly number[];
}

export const notStarted = (code: number, message: string): NotStarted => ({
  kind: 'ended',
  code,
  stderr: `${message}\n`,
});

/** Of the network that isolated commands share; undefined: the command is in that of the host. */
async function sharedNetwork(session: Session, wish: Wish): Promise<string | undefined> {
  const isolated = session.options.isolateNetwork || wish.isolateNetwork === true;
  return isolated ? (await session.isolatedNetwork()).path : undefined;
}

/** Where the command may write into its image, or why it may not. */
async function writableRoot({ copies }: Session, { writeMode, container }: RunCommand, hash: string) {
  if (writeMode === 'read-only') return {};
  try {
    return { writableRoot: await copies.make(container, hash) };
  } catch (error) {
    return {
      problem: `a writable copy of container "${container}" is not possible: ${(error as Error).message}`,
    };
  }
}

export async function prepareCommand(
  session: Session,
  written: RunCommand,
  images: Images,
  wish: Wish,
): Promise<Prepared | NotStarted> {
  const engine = await session.engine();
  if ('error' in engine) return notStarted(121, engine.error);
  const { layout, cache, variables } = session;
  const command = withEnvFiles(layout.root, written);
  if (typeof command === 'string') return notStarted(121, command);
  const container = cache.project.containers[command.container];
  const shell = container?.defaultShell ?? [];
  if ((container?.dataDirs.length ?? 0) > 0)
    warn(`container ${command.container} keeps only its data-dirs; commands belong in another one`, RUN);
  const hash = images.get(command.container) ?? '';
  const root = await writableRoot(session, command, hash);
  if (root.problem !== undefined) return notStarted(124, root.problem);
  const path = wish.networkPlace === undefined ? await sharedNetwork(session, wish) : undefined;
  const prepared = prepareRun({
    layout,
    cache,
    engine,
    command,
    variables,
    own: wish.own,
    hash,
    ...root,
    volumes: new RunVolumes(layout, session.filling),
    argv: argvOf(command, shell, wish.words),
    onStart: (argv, env) => logCommand(RUN, argv, env),
    isolateNetwork: false,
    ...(path !== undefined && { network: { path } }),
    terminal: wish.terminal ?? wantsTerminal(),
    usualPath: wish.usualPath === true,
    ...(wish.networkPlace !== undefined && { networkPlace: wish.networkPlace }),
    ...(wish.fds !== undefined && { fds: wish.fds }),
  });
  return prepared.kind === 'ended' ? prepared : withLimits(prepared, command);
}

/** The descriptors that a command's program gets; or why it cannot. */
export async function socketsOf({ passTcpSocket }: RunCommand): Promise<readonly number[] | NotStarted> {
  if (passTcpSocket === undefined) return [];
  const fd = await openPassedSocket(passTcpSocket);
  return typeof fd === 'string' ? notStarted(121, fd) : [fd];
}
