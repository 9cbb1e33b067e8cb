// Containers that setups name: they must exist and must not lead back to themselves.
import { nearest } from '@suite/shared/schema/nearest.ts';
import type { Command, Container, Json, Place, Project, Step } from './model.ts';

type Containers = Project['containers'];

function field(value: Json, key: string): string[] {
  const text = (value as Readonly<Record<string, Json>> | null)?.[key];
  return typeof text === 'string' ? [text] : [];
}

function namesOf(step: Step): string[] {
  if (step.tag === 'Container') return [step.value as string];
  return step.tag === 'Build' ? field(step.value, 'container') : [];
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

function missing(containers: Containers, name: string, step: Step): string[] {
  const known = Object.keys(containers);
  return namesOf(step)
    .filter(wanted => !Object.hasOwn(containers, wanted))
    .map(
      wanted => at(step) + containerNotFound(wanted, known, ` referenced from ${JSON.stringify(name)} is`),
    );
}

interface Walk {
  readonly containers: Containers;
  /** Containers from which no new cycle can be found. */
  readonly done: Set<string>;
  readonly found: string[];
}

/** Depth first; a step that leads to a container of the trail closes a cycle. */
function walk(state: Walk, name: string, trail: readonly string[]): void {
  const way = [...trail, name];
  for (const step of state.containers[name]?.setup ?? []) {
    for (const next of namesOf(step)) {
      const start = way.indexOf(next);
      if (start >= 0) {
        const round = [...way.slice(start), next].join(' -> ');
        // The second line is the one scripts look for, and it stays the last of the block.
        state.found.push(`${at(step)}${round}\nContainer ${JSON.stringify(next)} has cyclic dependency`);
      } else if (!state.done.has(next)) walk(state, next, way);
    }
  }
  state.done.add(name);
}

/** Every problem, a line each, in the order of names; undefined when there is none. */
export function projectProblem({ containers }: Project): string | undefined {
  const names = Object.keys(containers).sort();
  const state: Walk = { containers, done: new Set(), found: [] };
  const absent = names.flatMap(name =>
    (containers[name]?.setup ?? []).flatMap(step => missing(containers, name, step)),
  );
  for (const name of names) if (!state.done.has(name)) walk(state, name, []);
  const problems = [...absent, ...state.found];
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
