// All rules between the sandbox, one process entry and its container file.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import type { EntrySources, SandboxSources } from '../sources.ts';
import { networkRule } from './network.ts';
import { programRule } from './program.ts';
import { rightsRule } from './rights.ts';
import { checkDescriptors, socketRule } from './sockets.ts';
import { type Container, type Rule, subjectOf } from './subject.ts';
import { supervisionRule } from './supervision.ts';
import { checkReferences, valueRule } from './variables.ts';
import { volumeRule } from './volumes.ts';

const RULES: readonly Rule[] = [
  rightsRule,
  volumeRule,
  programRule,
  valueRule,
  socketRule,
  networkRule,
  supervisionRule,
];

/** All errors of one entry; none when its container file could not be read, which is an error of its own. */
export function checkEntry(sources: SandboxSources, entry: EntrySources): Diagnostic[] {
  if (entry.container === undefined) return [];
  const subject = subjectOf(sources, entry, entry.container);
  const ownPids = !subject.sandbox.shareNamespaces.includes('pid');
  return [...RULES.flatMap(rule => rule(subject)), ...checkReferences(entry.container, ownPids)];
}

/** What a container file alone shows. */
export function checkContainer(container: Container): Diagnostic[] {
  return [...checkReferences(container), ...checkDescriptors(container)];
}
