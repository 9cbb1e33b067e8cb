// lithos_ps --security: what confines each instance, from the bundle its container was made of and from the kernel.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Colours } from '@suite/shared/cli/colours.ts';
import { printTable } from '@suite/shared/cli/table.ts';
import { liveSecurity, type SecurityFact, securitySummary } from '@suite/shared/oci/security.ts';
import type { ProcessTable } from '../../adapters/process-table.ts';
import { runFiles } from '../../adapters/records.ts';
import type { SeenInstance, SeenTree } from './find-trees.ts';
import { program, show } from './shown.ts';

export type InstanceSecurity = readonly SecurityFact[];

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Only root may read bundles; the tree tells everybody else what is in them. */
function bundleFacts(tree: SeenTree, { name, run }: SeenInstance): InstanceSecurity | undefined {
  if (run === undefined) return undefined;
  const text = readText(join(runFiles(tree.paths, name, run).bundle, 'config.json'));
  return text === undefined ? undefined : securitySummary(JSON.parse(text));
}

/** By instance name; one that cannot be looked at has no facts. */
export async function securityOf(
  tree: SeenTree,
  table: ProcessTable,
): Promise<Map<string, InstanceSecurity>> {
  const found = new Map<string, InstanceSecurity>();
  for (const instance of tree.instances) {
    const { name } = instance;
    const asked = await tree.ask<{ facts: InstanceSecurity }>(`/v1/security/${name}`);
    const facts = bundleFacts(tree, instance) ?? asked?.facts ?? [];
    const app = program(show(instance, table));
    const live = app === undefined ? undefined : readText(`/proc/${app.pid}/status`);
    found.set(name, [...facts, ...(live === undefined ? [] : liveSecurity(live))]);
  }
  return found;
}

/** Aligned lines; what somebody relaxed is marked, also without colours. */
export function securityNotes(facts: InstanceSecurity, ink: Colours): string[] {
  if (facts.length === 0) return [ink.dim('nothing is known')];
  const rows = facts.map(({ name, value, relaxed }) => [relaxed ? '!' : ' ', name, value]);
  const lines = printTable(rows).trimEnd().split('\n');
  return lines.map((line, index) => (facts[index]?.relaxed === true ? ink.red(line) : line));
}
