// All rules between the sandbox, one process entry and its container file.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { LIMITS } from '../../../config/defaults.ts';
import type { EntrySources, SandboxSources } from '../sources.ts';
import { checkModes } from './modes.ts';
import { networkRule } from './network.ts';
import { afterRule, checkOrder } from './order.ts';
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
  afterRule,
];

function checkOne(sources: SandboxSources, entry: EntrySources): Diagnostic[] {
  if (entry.container === undefined) return [];
  const subject = subjectOf(sources, entry, entry.container);
  const ownPids = !subject.sandbox.shareNamespaces.includes('pid');
  const { container } = entry;
  return [
    ...RULES.flatMap(rule => rule(subject)),
    ...checkReferences(container, ownPids),
    ...checkModes(container),
  ];
}

export interface CheckedEntry {
  readonly entry: EntrySources;
  readonly problems: readonly Diagnostic[];
}

/** All entries with what is wrong; nothing for one whose container file could not be read, which is an error of its own. */
export function checkEntries(sources: SandboxSources): CheckedEntry[] {
  const order = checkOrder(sources);
  return sources.entries.map(entry => {
    const circle = order.get(entry.process);
    const problems = [...checkOne(sources, entry), ...(circle === undefined ? [] : [circle])];
    return { entry, problems: problems.slice(0, LIMITS.errorsMax) };
  });
}

/** What a container file alone shows. */
export function checkContainer(container: Container): Diagnostic[] {
  return [...checkReferences(container), ...checkDescriptors(container), ...checkModes(container)];
}
