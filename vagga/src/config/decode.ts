// From the decoded schema to the model: defaults that depend on other keys, id ranges, positions.
import type { Infer } from '@suite/shared/schema/index.ts';
import { DEFAULT_IDS, DEFAULT_SHELL } from './defaults.ts';
import type { Command, Container, IdRange, Json, Place, Project, RunCommand, Step, Volume } from './model.ts';
import type { projectSchema } from './project-schema.ts';

type RawProject = Infer<typeof projectSchema>;
type RawContainer = RawProject['containers'][string];
type RawCommand = RawProject['commands'][string];
type RawRun = Extract<RawCommand['value'], { tag: 'Command' }>['value'];
type RawSupervise = Extract<RawCommand['value'], { tag: 'Supervise' }>['value'];
type RawChild = RawSupervise['children'][string];

interface Located<T> {
  readonly value: T;
  readonly node: Place;
}

const place = ({ file, line, column }: Place): Place => ({ file, line, column });

function tagged(item: Located<{ readonly tag: string; readonly value: unknown }>): Step & Volume {
  return { tag: item.value.tag, value: (item.value.value ?? null) as Json, ...place(item.node) };
}

function mapValues<A, B>(map: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** `N` or `A-B`, both inclusive in the file. */
function idRange(text: string): IdRange {
  const [first, last] = text.split('-');
  return { start: Number(first), end: Number(last ?? first) + 1 };
}

function idRanges(texts: readonly string[]): readonly IdRange[] {
  return texts.length === 0 ? DEFAULT_IDS : texts.map(idRange);
}

function container({ value, node }: RawContainer): Container {
  return {
    ...place(node),
    setup: value.setup.map(tagged),
    dataDirs: value.dataDirs,
    ...(value.imageCacheUrl !== undefined && { imageCacheUrl: value.imageCacheUrl }),
    autoClean: value.autoClean,
    environ: value.environ,
    ...(value.environFile !== undefined && { environFile: value.environFile }),
    defaultShell: value.defaultShell.length === 0 ? DEFAULT_SHELL : value.defaultShell,
    resolvConfPath: value.resolvConfPath,
    hostsFilePath: value.hostsFilePath,
    uids: idRanges(value.uids),
    gids: idRanges(value.gids),
    volumes: mapValues(value.volumes, tagged),
  };
}

function common(value: RawRun | RawSupervise, node: Place, notAvailable: readonly (string | false)[]) {
  const { description, epilog, group } = value;
  return {
    ...place(node),
    ...(description !== undefined && { description }),
    ...(epilog !== undefined && { epilog }),
    ...(group !== undefined && { group }),
    prerequisites: value.prerequisites,
    aliases: value.aliases,
    isolateNetwork: value.isolateNetwork,
    tags: value.tags,
    notAvailable: notAvailable.filter(key => key !== false),
  };
}

function runCommand(
  value: Omit<RawRun, 'options'>,
  node: Place,
  notAvailable: readonly (string | false)[],
): RunCommand {
  return {
    kind: 'command',
    ...common(value, node, [
      ...notAvailable,
      value.passTcpSocket !== undefined && 'pass-tcp-socket',
      value.externalUserId !== undefined && 'external-user-id',
      value.writeMode !== 'read-only' && 'write-mode',
    ]),
    container: value.container,
    run: value.run,
    ...(value.workDir !== undefined && { workDir: value.workDir }),
    acceptsArguments: value.acceptsArguments ?? typeof value.run !== 'string',
    environ: value.environ,
    volumes: mapValues(value.volumes, tagged),
    userId: value.userId,
    groupId: value.groupId,
    supplementaryGids: value.supplementaryGids,
  };
}

/** A `!BridgeCommand` child needs the bridge of `network`, so it is named like that key. */
function child({ value, node }: RawChild): RunCommand {
  if (value.tag === 'Command') {
    return runCommand(value.value, node, [value.value.network !== undefined && 'network']);
  }
  return { ...EMPTY_RUN, ...place(node), notAvailable: [`!${value.tag}`] };
}

const EMPTY = { prerequisites: [], aliases: [], isolateNetwork: false, tags: [], notAvailable: [] };
const EMPTY_RUN = {
  kind: 'command',
  ...EMPTY,
  container: '',
  run: [],
  acceptsArguments: false,
  environ: {},
  volumes: {},
  userId: 0,
  groupId: 0,
  supplementaryGids: [],
} as const;

function command({ value, node }: RawCommand): Command {
  if (value.tag === 'Command') {
    return runCommand(value.value, node, [value.value.options !== undefined && 'options']);
  }
  if (value.tag === 'Supervise') {
    return {
      kind: 'supervise',
      ...common(value.value, node, [value.value.options !== undefined && 'options']),
      mode: value.value.mode,
      killUnresponsiveAfterS: value.value.killUnresponsiveAfter,
      children: mapValues(value.value.children, child),
    };
  }
  return { kind: 'other', tag: value.tag, ...place(node), ...EMPTY, ...listed(value.value) };
}

/** What the listing shows of a command that is not decoded. */
function listed(value: unknown): { description?: string; group?: string; aliases?: string[] } {
  const { description, group } = (value ?? {}) as Record<string, unknown>;
  return {
    ...(typeof description === 'string' && { description }),
    ...(typeof group === 'string' && { group }),
  };
}

export function toProject(raw: RawProject): Project {
  return { containers: mapValues(raw.containers, container), commands: mapValues(raw.commands, command) };
}
