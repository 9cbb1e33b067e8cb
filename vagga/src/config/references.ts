// Containers that setups name: they must exist and must not lead back to themselves.
import { nearest } from '@suite/shared/schema/nearest.ts';
import { orderProblems } from './child-order.ts';
import type { Command, Container, Json, Place, Project, Step } from './model.ts';
import { byCodePoint } from './order.ts';

type Containers = Project['containers'];

function field(value: Json, key: string): string[] {
  const text = (value as Readonly<Record<string, Json>> | null)?.[key];
  return typeof text === 'string' ? [text] : [];
}

function namesOf(step: Step): string[] {
  if (step.tag === 'Container') return [step.value as string];
  if (step.tag === 'Build') return field(step.value, 'container');
  return step.tag === 'SubConfig' ? sourceOf(step.value) : [];
}

/** Of a sub-config: the container that the other config is read from. Its own `container` is a name over there. */
function sourceOf(value: Json): string[] {
  const { source } = value as { source: { tag: string; value: Json } };
  return source.tag === 'Container' ? [source.value as string] : [];
}

/** The containers that must be built before this one, in the order of its steps. */
export function containerDependencies(container: Container): string[] {
  return container.setup.flatMap(namesOf);
}

const at = ({ file, line, column }: Place): string => `${file}:${line}:${column}: Validation Error: `;

/** The name and, indented below it, what was probably meant. */
export function containerNotFound(name: string, known: readonly string[], detail = ''): string {
  const near = nearest(name, known);
  const hint = near === undefined ? '' : `\n    did you mean ${near}?`;
  return `Container ${JSON.stringify(name)}${detail} not found${hint}`;
}

interface Walk {
  readonly containers: Containers;
  /** Containers from which nothing new can be found. */
  readonly done: Set<string>;
  readonly absent: string[];
  readonly rounds: string[];
}

function reportAbsent({ containers, absent }: Walk, step: Step, wanted: string, start: string): void {
  const detail = ` referenced from ${JSON.stringify(start)} is`;
  absent.push(at(step) + containerNotFound(wanted, Object.keys(containers), detail));
}

function reportRound({ rounds }: Walk, step: Step, next: string, way: readonly string[]): void {
  // The second line is the one scripts look for, and it stays the last of the block.
  rounds.push(
    `${at(step)}${[...way, next].join(' -> ')}\nContainer ${JSON.stringify(next)} has cyclic dependency`,
  );
}

/** Depth first; a step that leads to a container of the trail closes a cycle. The first of the trail is where the walk began. */
function walk(state: Walk, name: string, trail: readonly string[]): void {
  const way = [...trail, name];
  for (const step of state.containers[name]?.setup ?? []) {
    for (const next of namesOf(step)) {
      const start = way.indexOf(next);
      if (!Object.hasOwn(state.containers, next)) reportAbsent(state, step, next, way[0] as string);
      else if (start >= 0) reportRound(state, step, next, way.slice(start));
      else if (!state.done.has(next)) walk(state, next, way);
    }
  }
  state.done.add(name);
}

/** Every problem, a line each: what is missing before what goes round; undefined when there is none. */
export function projectProblem(project: Project): string | undefined {
  const { containers } = project;
  const state: Walk = { containers, done: new Set(), absent: [], rounds: [] };
  for (const name of Object.keys(containers).sort(byCodePoint))
    if (!state.done.has(name)) walk(state, name, []);
  const problems = [...orderProblems(project), ...state.absent, ...state.rounds];
  return problems.length === 0 ? undefined : problems.join('\n');
}

/** Containers that these commands (and their children) run in and that do not exist: a line each, at the command or child. */
export function missingContainers({ containers, commands }: Project, names: readonly string[]): string[] {
  const known = Object.keys(containers);
  return names
    .flatMap(name => runsOf(commands[name]))
    .filter(run => !Object.hasOwn(containers, run.container))
    .map(run => at(run) + containerNotFound(run.container, known));
}

function runsOf(command: Command | undefined) {
  if (command?.kind === 'command') return [command];
  return command?.kind === 'supervise' ? Object.values(command.children) : [];
}
