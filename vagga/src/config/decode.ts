// From the decoded schema to the model: defaults that depend on other keys, id ranges, positions.
import type { Infer } from '@suite/shared/schema/index.ts';
import { mapValues } from './by-name.ts';
import type { CHILDREN, COMMANDS } from './command-schemas.ts';
import { DEFAULT_IDS, DEFAULT_SHELL } from './defaults.ts';
import type {
  CapsuleCommand,
  ChildCommand,
  Command,
  CommandCommon,
  Container,
  IdRange,
  Json,
  Life,
  Place,
  Project,
  RunCommand,
  Step,
  SuperviseCommand,
  Volume,
} from './model.ts';
import { UNAVAILABLE_KEYS, unavailable, unavailableTag } from './not-available.ts';
import type { projectSchema } from './project-schema.ts';

type RawProject = Infer<typeof projectSchema>;
type RawContainer = RawProject['containers'][string];
type RawCommand = RawProject['commands'][string];
type RawSupervise = Infer<(typeof COMMANDS)['Supervise']>;
type RawCapsule = Infer<(typeof COMMANDS)['CapsuleCommand']>;
type RawNetworked = Infer<(typeof CHILDREN)['Command']>;
/** What `!Command` has at the top and as a child, and `!BridgeCommand`. */
type RawAnyRun = Omit<Infer<(typeof CHILDREN)['BridgeCommand']>, 'after'>;
type RawChild = RawSupervise['children'][string];

interface Located<T> {
  readonly value: T;
  readonly node: Place;
}

const place = ({ file, line, column }: Place): Place => ({ file, line, column });

function tagged(item: Located<{ readonly tag: string; readonly value: unknown }>): Step & Volume {
  return { tag: item.value.tag, value: (item.value.value ?? null) as Json, ...place(item.node) };
}

/** The keys that are there; absent ones leave no property, so that the cache says the same. */
function present<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter(key => value[key] !== undefined).map(key => [key, value[key]]),
  ) as Pick<T, K>;
}

/** `N` or `A-B`, both inclusive in the file. */
function idRange(text: string): IdRange {
  const [first, last] = text.split('-');
  return { start: Number(first), end: Number(last ?? first) + 1 };
}

function idRanges(texts: readonly string[]): readonly IdRange[] {
  return texts.length === 0 ? DEFAULT_IDS : texts.map(idRange);
}

function container({ value, node }: RawContainer, source: string): Container {
  return {
    ...value,
    ...place(node),
    source,
    setup: value.setup.map(tagged),
    defaultShell: value.defaultShell.length === 0 ? DEFAULT_SHELL : value.defaultShell,
    uids: idRanges(value.uids),
    gids: idRanges(value.gids),
    volumes: mapValues(value.volumes, tagged),
  };
}

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

function common(tag: string, value: RawAnyRun | RawSupervise | RawCapsule, node: Place) {
  const { prerequisites, aliases, isolateNetwork, tags } = value;
  const notAvailable = [...unavailableTag(tag), ...unavailable(UNAVAILABLE_KEYS, value)];
  const made: CommandCommon = {
    ...place(node),
    ...present(value, ...COMMON),
    ...('options' in value && present(value as { options?: string }, 'options')),
    prerequisites,
    aliases,
    isolateNetwork,
    tags,
    notAvailable,
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

function running(tag: string, value: RawAnyRun, node: Place): RunCommand {
  const { container, run, environ, writeMode, pid1mode, userId, groupId, supplementaryGids } = value;
  return {
    kind: 'command',
    ...common(tag, value, node),
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
    ...running(tag, value, node),
    bridge: tag === 'BridgeCommand',
    ...(tag === 'Command' && present(value as RawNetworked, 'network')),
    after: value.after,
  };
}

function capsule(value: RawCapsule, node: Place): CapsuleCommand {
  return {
    kind: 'capsule',
    ...common('CapsuleCommand', value, node),
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
    ...common('Supervise', value, node),
    mode: value.mode,
    killUnresponsiveAfterS: value.killUnresponsiveAfter,
    children: mapValues(value.children, child),
  };
}

function command({ value, node }: RawCommand, source: string): Command {
  switch (value.tag) {
    case 'Command':
      return { ...running(value.tag, value.value, node), source };
    case 'Supervise':
      return { ...supervised(value.value, node), source };
    case 'CapsuleCommand':
      return { ...capsule(value.value, node), source };
  }
}

/** `source`: the config file that all this comes from. */
export function toProject(raw: RawProject, source: string): Project {
  return {
    ...(raw.minimumVagga !== undefined && { minimumVagga: raw.minimumVagga.value }),
    containers: mapValues(raw.containers, value => container(value, source)),
    commands: mapValues(raw.commands, value => command(value, source)),
  };
}
