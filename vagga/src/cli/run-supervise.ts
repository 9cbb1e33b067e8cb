// A supervise command: its children as containers, under a supervisor.

import { NetworkError } from '../adapters/network/namespaces.ts';
import { TestNetwork } from '../adapters/network/test-network.ts';
import { execCommand } from '../adapters/oci/engine.ts';
import { initPid } from '../adapters/oci/listening.ts';
import type { CheckPlace } from '../adapters/ready/check.ts';
import type { NotStarted, Prepared } from '../adapters/run/prepare.ts';
import { superviseForeground } from '../adapters/runs/foreground.ts';
import { TerminalOutput } from '../adapters/supervise/output.ts';
import type { SupervisedChild, Supervisor } from '../adapters/supervise/supervisor.ts';
import { type FollowOptions, followFiles } from '../adapters/watch/follow.ts';
import { KILL_UNRESPONSIVE_AFTER_S } from '../config/defaults.ts';
import type { ChildCommand, RunCommand, SuperviseCommand } from '../config/model.ts';
import { planNetwork } from '../core/network/plan.ts';
import { childOptions, selectChildren } from '../core/supervise/select.ts';
import type { SuperviseOptions } from '../core/supervise/types.ts';
import type { Images } from './images.ts';
import type { PlannedCommand } from './plan-commands.ts';
import { notStarted, prepareCommand, socketsOf, type Wish } from './prepare-command.ts';
import { report } from './quick.ts';
import type { Session } from './session.ts';

function shellOf(session: Session, { container }: RunCommand): (script: string) => readonly string[] {
  const words = session.cache.project.containers[container]?.defaultShell ?? [];
  return script => words.map(word => (word === '$cmdline' ? script : word));
}

function checkPlace(
  session: Session,
  command: RunCommand,
  isolated: boolean,
  prepared: Prepared,
): CheckPlace {
  const { id } = prepared.bundle;
  const network = () => {
    const pid = initPid(id);
    return pid === undefined ? undefined : `/proc/${pid}/ns/net`;
  };
  return {
    exec: argv => execCommand(prepared.engine, id, argv),
    shell: shellOf(session, command),
    ...(isolated && { network }),
  };
}

/** Its sockets stay open from start to start, so that nobody who connects meanwhile is refused. */
async function superviseOne(
  session: Session,
  name: string,
  command: RunCommand,
  images: Images,
  wish: Wish,
): Promise<SupervisedChild | NotStarted> {
  const fds = await socketsOf(command);
  if ('kind' in fds) return fds;
  const prepare = () => prepareCommand(session, command, images, { ...wish, terminal: false, fds });
  const prepared = await prepare();
  if (prepared.kind === 'ended') return prepared;
  const isolated =
    wish.networkPlace !== undefined ||
    session.options.isolateNetwork ||
    wish.isolateNetwork === true ||
    command.isolateNetwork;
  return {
    name,
    prepared,
    prepareAgain: prepare,
    ...(command.ready !== undefined && { ready: command.ready }),
    ...(command.banner !== undefined && {
      banner: { text: command.banner, delayMs: (command.bannerDelay ?? 0) * 1000 },
    }),
    checkPlace: current => checkPlace(session, command, isolated, current),
  };
}

interface Supervision {
  readonly children: readonly SupervisedChild[];
  readonly options: SuperviseOptions;
  readonly network: TestNetwork | undefined;
}

/** Undefined: no child asks for it. */
async function testNetwork(
  session: Session,
  { children, isolateNetwork }: SuperviseCommand,
  names: readonly string[],
): Promise<TestNetwork | NotStarted | undefined> {
  const isolated = isolateNetwork || session.options.isolateNetwork;
  const planned = planNetwork(
    names.map(name => [name, children[name] as ChildCommand] as const),
    isolated,
  );
  if (!planned.ok) return notStarted(121, planned.message);
  if (planned.plan === undefined) return undefined;
  try {
    return await TestNetwork.create(session.layout, planned.plan);
  } catch (error) {
    if (error instanceof NetworkError) return notStarted(121, error.message);
    throw error;
  }
}

/** Who is in the middle is root there, whatever else it says. */
function asPlaced(command: ChildCommand): RunCommand {
  if (!command.bridge) return command;
  const { externalUserId: _, ...rest } = command;
  return { ...rest, userId: 0 };
}

/** Everything that is to be started, and nothing started yet. */
async function superviseChildren(
  session: Session,
  { name, line }: PlannedCommand,
  command: SuperviseCommand,
  images: Images,
): Promise<Supervision | NotStarted> {
  const names = selectChildren(command.children, line.selection);
  if (names.length === 0) return notStarted(127, `Nothing to supervise in ${name}`);
  const network = await testNetwork(session, command, names);
  if (network !== undefined && 'kind' in network) return network;
  const children: SupervisedChild[] = [];
  for (const child of names) {
    const own = { ...line.variables, VAGGA_COMMAND: name, VAGGA_SUBCOMMAND: child };
    const networkPlace = network?.placeOf(child);
    const { isolateNetwork } = command;
    const wish = { words: [], own, isolateNetwork, ...(networkPlace !== undefined && { networkPlace }) };
    const run = asPlaced(command.children[child] as ChildCommand);
    const made = await superviseOne(session, child, run, images, wish);
    if ('kind' in made) {
      await network?.close();
      for (const { prepared } of children) prepared.bundle.remove();
      return made;
    }
    children.push(made);
  }
  const { mode, killUnresponsiveAfterS } = command;
  const selected = names.map(child => [child, childOptions(command.children[child] as RunCommand)] as const);
  return {
    network,
    children,
    options: { mode, killUnresponsiveAfterS, children: Object.fromEntries(selected) },
  };
}

/** A single command as the only child of a run. */
async function superviseCommand(
  session: Session,
  { name, line }: PlannedCommand,
  command: RunCommand,
  images: Images,
): Promise<Supervision | NotStarted> {
  const child = await superviseOne(session, name, command, images, {
    words: line.words,
    own: line.variables,
  });
  if ('kind' in child) return child;
  return {
    network: undefined,
    children: [child],
    options: {
      mode: 'wait-all-successful',
      killUnresponsiveAfterS: KILL_UNRESPONSIVE_AFTER_S,
      children: { [name]: childOptions(command) },
    },
  };
}

/** Of any command that runs in containers. */
export async function superviseAny(
  session: Session,
  planned: PlannedCommand,
  images: Images,
): Promise<Supervision | NotStarted> {
  const { command } = planned;
  if (command.kind === 'supervise') return await superviseChildren(session, planned, command, images);
  if (command.kind === 'command') return await superviseCommand(session, planned, command, images);
  return notStarted(121, '!CapsuleCommand cannot be detached: it has no container of its own');
}

export interface Watching {
  /** Look at files from time to time instead of asking the kernel. */
  readonly poll: boolean;
}

function watchRules({ name, command }: PlannedCommand, selected: readonly string[]): FollowOptions['rules'] {
  if (command.kind === 'command') return { [name]: command.watch };
  const children = command.kind === 'supervise' ? command.children : {};
  return Object.fromEntries(selected.map(child => [child, children[child]?.watch ?? []]));
}

/** `watching`: obeys the `watch` rules meanwhile. */
export async function runSupervise(
  session: Session,
  planned: PlannedCommand,
  images: Images,
  watching?: Watching,
): Promise<number> {
  const made = await superviseAny(session, planned, images);
  if ('kind' in made) return report(made);
  const { command, line, name } = planned;
  const { logPrefix, timestamps } = line.selection;
  const names = command.kind === 'supervise' ? Object.keys(command.children) : [name];
  const display = {
    colours: session.colours,
    logPrefix: logPrefix && command.kind === 'supervise',
    timestamps,
  };
  const output = new TerminalOutput(names, display);
  const rules = watchRules(
    planned,
    made.children.map(child => child.name),
  );
  let unwatch = () => {};
  const begun = (supervisor: Supervisor) => {
    if (watching === undefined) return;
    unwatch = followFiles(supervisor, output, { root: session.layout.root, rules, ...watching });
  };
  const code = await superviseForeground(session.layout, { command: name, ...made }, output, begun);
  unwatch();
  await made.network?.close();
  return code;
}
