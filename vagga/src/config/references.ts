// Containers that setups name: they must exist and must not lead back to themselves.
import type { Container, Json, Project, Step } from './model.ts';

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

type Containers = Project['containers'];

function walk(
  containers: Containers,
  start: string,
  name: string,
  trail: readonly string[],
  done: Set<string>,
): string | undefined {
  for (const next of containerDependencies(containers[name] as Container)) {
    const found = containers[next];
    if (found === undefined) {
      const { file, line, column } = containers[name] as Container;
      return `${file}:${line}:${column}: Validation Error: Container "${next}" referenced from "${start}" is not found`;
    }
    if (next === start || trail.includes(next)) return `Container "${next}" has cyclic dependency`;
    if (done.has(next)) continue;
    const problem = walk(containers, start, next, [...trail, next], done);
    if (problem !== undefined) return problem;
    done.add(next);
  }
  return undefined;
}

/** The first problem in the order of names, or undefined. */
export function projectProblem(project: Project): string | undefined {
  for (const name of Object.keys(project.containers).sort()) {
    const problem = walk(project.containers, name, name, [name], new Set());
    if (problem !== undefined) return problem;
  }
  return undefined;
}
