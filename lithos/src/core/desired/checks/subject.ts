// What the rules between files look at, and how they say what is wrong and where.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import type { ContainerKeys } from '../../../config/container.ts';
import { diagnostic, locate, locateKey, type Place } from '../../../config/locate.ts';
import type { SandboxKeys } from '../../../config/sandbox.ts';
import { builtins, type Values } from '../expand.ts';
import type { EntrySources, Parsed, SandboxSources } from '../sources.ts';

export type Path = readonly (string | number)[];
export type Container = Parsed<ContainerKeys>;

/** One entry with everything one rule looks at. */
export interface Subject {
  readonly sources: SandboxSources;
  readonly sandbox: SandboxKeys;
  readonly entry: EntrySources;
  readonly container: Container;
  readonly keys: ContainerKeys;
  /** Of instance 0: the others differ in their name only. */
  readonly values: Values;
}

export type Rule = (subject: Subject) => Diagnostic[];

export function subjectOf(sources: SandboxSources, entry: EntrySources, container: Container): Subject {
  const { config, variables } = entry.entry;
  const name = `${sources.name}/${entry.process}.0`;
  return {
    sources,
    sandbox: sources.sandbox.value,
    entry,
    container,
    keys: container.value,
    values: new Map([...Object.entries(variables), ...builtins(name, config)]),
  };
}

/** A value in the container file; without it the file's own beginning. */
export function inContainer(
  { container }: Pick<Subject, 'container'>,
  code: string,
  message: string,
  path: Path,
  hint?: string,
): Diagnostic {
  return diagnostic(code, 'error', message, locate(container.node, path), hint);
}

/** A value in the entry of the process file. */
export function inEntry(
  subject: Subject,
  code: string,
  message: string,
  path: Path,
  hint?: string,
): Diagnostic {
  const where = locate(subject.sources.processes.node, [subject.entry.process, ...path]);
  return diagnostic(code, 'error', message, where, hint);
}

/** A key of a mapping of the container file, such as a port or a name of a variable. */
export function atKey(
  { container }: Pick<Subject, 'container'>,
  code: string,
  message: string,
  mapping: string,
  key: string,
): Diagnostic {
  return diagnostic(code, 'error', message, placeOfKey(container, mapping, key));
}

function placeOfKey({ node }: Container, mapping: string, key: string): Place {
  const entries = node.kind === 'mapping' ? node.entries : [];
  const found = entries.find(entry => entry.key.text.replaceAll('_', '-') === mapping);
  return (found && locateKey(found.value, key)) ?? locate(node, [mapping, key]);
}

/** Of several things that share a value: each but the first, with that first one. */
export function repeated<T, V>(items: readonly T[], shared: (item: T) => V): { item: T; first: T }[] {
  const firsts = new Map<V, T>();
  return items.flatMap(item => {
    const first = firsts.get(shared(item));
    if (first === undefined) firsts.set(shared(item), item);
    return first === undefined ? [] : [{ item, first }];
  });
}
