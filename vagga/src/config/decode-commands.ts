// Commands and their children: from the decoded schema to the model.
import type { Infer } from '@suite/shared/schema/index.ts';
import { mapValues } from './by-name.ts';
import type { CHILDREN, COMMANDS, commandSchema } from './command-schemas.ts';
import { idRanges, type Located, place, present, tagged } from './decode-pieces.ts';
import type {
  CapsuleCommand,
  ChildCommand,
  Command,
  CommandCommon,
  Life,
  Place,
  RunCommand,
  SuperviseCommand,
} from './model.ts';

type RawSupervise = Infer<(typeof COMMANDS)['Supervise']>;
type RawCapsule = Infer<(typeof COMMANDS)['CapsuleCommand']>;
type RawNetworked = Infer<(typeof CHILDREN)['Command']>;
/** What `!Command` has at the top and as a child, and `!BridgeCommand`. */
type RawAnyRun = Omit<Infer<(typeof CHILDREN)['BridgeCommand']>, 'after'>;
type RawChild = RawSupervise['children'][string];

const COMMON = [
  'description',
  'banner',
  'bannerDelay',
  'epilog',
  'group',
  'expectInotifyLimit',
  'symlinkName',
  'passTcpSocket',
] as const;

function common(value: RawAnyRun | RawSupervise | RawCapsule, node: Place) {
  const { prerequisites, aliases, isolateNetwork, tags } = value;
  const made: CommandCommon = {
    ...place(node),
    ...present(value, ...COMMON),
    ...('options' in value && present(value as { options?: string }, 'options')),
    prerequisites,
    aliases,
    isolateNetwork,
    tags,
  };
  return made;
}

function life(value: RawAnyRun): Life {
  const { restart, restartBackoffMax, maxRestarts, stopSignal, envFiles } = value;
  const ready = value.ready === undefined ? undefined : { tag: value.ready.tag, ...value.ready.value };
  return {
    ...(ready !== undefined && { ready: ready as NonNullable<Life['ready']> }),
    restart,
    restartBackoffMax,
    maxRestarts,
    stopSignal: stopSignal.replace(/^SIG/, ''),
    ...present(value, 'memoryLimit', 'cpuQuota', 'pidsLimit'),
    envFiles,
    watch: value.watch,
  };
}

/** A script takes no arguments unless it says so, a program takes them. */
const takesArguments = (value: RawAnyRun | RawCapsule): boolean =>
  value.acceptsArguments ?? typeof value.run !== 'string';

function running(value: RawAnyRun, node: Place): RunCommand {
  const { container, run, environ, writeMode, pid1mode, userId, groupId, supplementaryGids } = value;
  return {
    kind: 'command',
    ...common(value, node),
    container,
    run,
    ...present(value, 'workDir', 'externalUserId'),
    acceptsArguments: takesArguments(value),
    environ,
    volumes: mapValues(value.volumes, tagged),
    writeMode,
    pid1mode,
    userId,
    groupId,
    supplementaryGids,
    ...life(value),
  };
}

function child({ value: { tag, value }, node }: RawChild): ChildCommand {
  return {
    ...running(value, node),
    bridge: tag === 'BridgeCommand',
    ...(tag === 'Command' && present(value as RawNetworked, 'network')),
    after: value.after,
  };
}

function capsule(value: RawCapsule, node: Place): CapsuleCommand {
  return {
    kind: 'capsule',
    ...common(value, node),
    run: value.run,
    ...present(value, 'workDir'),
    acceptsArguments: takesArguments(value),
    environ: value.environ,
    uids: idRanges(value.uids),
    gids: idRanges(value.gids),
  };
}

function supervised(value: RawSupervise, node: Place): SuperviseCommand {
  return {
    kind: 'supervise',
    ...common(value, node),
    mode: value.mode,
    killUnresponsiveAfterS: value.killUnresponsiveAfter,
    children: mapValues(value.children, child),
  };
}

/** `source`: the config file that the command comes from. */
export function toCommand({ value, node }: Located<Infer<typeof commandSchema>>, source: string): Command {
  switch (value.tag) {
    case 'Command':
      return { ...running(value.value, node), source };
    case 'Supervise':
      return { ...supervised(value.value, node), source };
    case 'CapsuleCommand':
      return { ...capsule(value.value, node), source };
  }
}
