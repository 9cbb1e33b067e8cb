import type { MappingEntry, ScalarNode, YamlNode } from './node.ts';

export interface MergePart {
  readonly at: ScalarNode;
  readonly value: YamlNode;
}

/**
 * `<<`: own keys win, then earlier members of the list; never deep. Merges inside merged mappings were followed when those were
 * read. `wrong` are the nodes that are no mappings.
 */
export function mergeEntries(
  own: readonly MappingEntry[],
  merges: readonly MergePart[],
): { entries: MappingEntry[]; wrong: YamlNode[] } {
  const entries = [...own];
  const seen = new Set(own.map(entry => entry.key.text));
  const wrong: YamlNode[] = [];
  for (const part of merges.flatMap(merge =>
    merge.value.kind === 'sequence' ? merge.value.items : [merge.value],
  )) {
    if (part.kind !== 'mapping') wrong.push(part);
    else {
      for (const entry of part.entries) {
        if (seen.has(entry.key.text)) continue;
        seen.add(entry.key.text);
        entries.push(entry);
      }
    }
  }
  return { entries, wrong };
}
