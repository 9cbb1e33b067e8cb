// What `--explain` says: the plan of a run, command by command, in the order in which it would be done.
import { DEFAULT_SHELL } from '../config/defaults.ts';
import type { ChildCommand, Command, Container, Project, RunCommand, Volume } from '../config/model.ts';
import { buildOrder } from './plan/build.ts';
import { containersOf } from './plan/commands.ts';
import { argvOf } from './run/arguments.ts';
import type { CommandLine } from './run/command-line.ts';
import { selectChildren } from './supervise/select.ts';

export interface ExplainedCommand {
  readonly name: string;
  readonly command: Command;
  readonly line: CommandLine & { readonly kind: 'run' };
}

/** What is there of a container: `NAME.HASH`, or why there is no such thing. */
export type ContainerState =
  | { readonly kind: 'built' | 'absent'; readonly hash: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface ExplainParts {
  readonly project: Project;
  readonly commands: readonly ExplainedCommand[];
  readonly stateOf: (container: string) => ContainerState;
  /** Where vagga was started, below the project; '' is the project itself. */
  readonly below: string;
  /** What the command line sets or takes away. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** One word of a shell. */
function word(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.trimEnd().replaceAll("'", `'\\''`)}'`;
}

function stateText(state: ContainerState): string {
  if (state.kind === 'unknown') return `is known only when it is built: ${state.reason}`;
  const short = state.hash.slice(0, 8);
  return state.kind === 'built' ? `${short}, built` : `${short}, would be built`;
}

function volumeText([path, volume]: readonly [string, Volume]): string {
  const value = typeof volume.value === 'string' ? ` ${volume.value}` : '';
  return `volume ${path}: !${volume.tag}${value}`;
}

function pairs(variables: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(variables)
    .map(([name, value]) => (value === undefined ? `without ${name}` : `${name}=${word(value)}`))
    .join(' ');
}

function workPlace(workDir: string | undefined, below: string): string {
  if (workDir === undefined) return below === '' ? '/work' : `/work/${below}`;
  return workDir.startsWith('/') ? workDir : `/work/${workDir}`;
}

type Variables = ExplainParts['variables'];

function runLines(
  parts: ExplainParts,
  command: RunCommand,
  words: readonly string[],
  set: Variables,
): string[] {
  const container: Container | undefined = parts.project.containers[command.container];
  const argv = argvOf(command, container?.defaultShell ?? DEFAULT_SHELL, words);
  const volumes = Object.entries({ ...container?.volumes, ...command.volumes }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const variables = { ...container?.environ, ...command.environ, ...set };
  const { userId, groupId, writeMode, isolateNetwork } = command;
  return [
    `container ${command.container} (${stateText(parts.stateOf(command.container))})`,
    `runs ${argv.map(word).join(' ')}`,
    `in ${workPlace(command.workDir, parts.below)}${userId + groupId === 0 ? '' : ` as ${userId}:${groupId}`}`,
    ...(Object.keys(variables).length === 0 ? [] : [`with ${pairs(variables)}`]),
    ...volumes.map(volumeText),
    ...(writeMode === 'read-only' ? [] : ['in a writable copy of the container']),
    ...(isolateNetwork ? ['with a loopback network only'] : []),
  ];
}

const indented = (lines: readonly string[]) => lines.map(line => `   ${line}`);

function childLines(parts: ExplainParts, name: string, child: ChildCommand, set: Variables): string[] {
  return [`child ${name}`, ...indented(runLines(parts, child, [], set))];
}

function commandLines(parts: ExplainParts, { command, line }: ExplainedCommand): string[] {
  const set = { ...parts.variables, ...line.variables };
  if (command.kind === 'command') return runLines(parts, command, line.words, set);
  if (command.kind === 'capsule') {
    const argv = argvOf(command, DEFAULT_SHELL, line.words);
    return [
      'in the capsule',
      `runs ${argv.map(word).join(' ')}`,
      `in ${workPlace(command.workDir, parts.below)}`,
    ];
  }
  const { children } = command;
  const chosen = selectChildren(children, line.selection);
  return [
    `supervises ${chosen.length} of ${Object.keys(children).length} children, ${command.mode}`,
    ...chosen.flatMap(name => childLines(parts, name, children[name] as ChildCommand, set)),
  ];
}

/** Containers first, since all are built before anything runs; with its end. */
export function explain(parts: ExplainParts): string {
  const { project, commands, stateOf } = parts;
  const wanted = [...new Set(commands.flatMap(({ command }) => containersOf(project, command)))];
  const missing = buildOrder(project, wanted).filter(name => stateOf(name).kind !== 'built');
  const builds = missing.map(name => {
    const steps = project.containers[name]?.setup.length ?? 0;
    return `build ${name} (${stateText(stateOf(name))}, ${steps} ${steps === 1 ? 'step' : 'steps'})`;
  });
  const runs = commands.flatMap(planned => [
    `run ${planned.name}`,
    ...indented(commandLines(parts, planned)),
  ]);
  return `${[...builds, ...runs].join('\n')}\n`;
}
