import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { nearest } from '@suite/shared/schema/index.ts';
import type { ScalarNode, YamlNode } from '@suite/shared/yaml/index.ts';

/** `{{ role }}` and `{{ files.NAME }}` inside command arguments; nothing else is expanded there. */
const REFERENCE = /\{\{\s*([A-Za-z0-9_.-]*)\s*\}\}/g;

export interface References {
  readonly role: string;
  /** Template name → path of the rendered file. */
  readonly files: ReadonlyMap<string, string>;
}

/** Names that do not exist were refused by `checkReferences`; here they would be a bug. */
export function expand(text: string, references: References): string {
  return text.replace(REFERENCE, (_, name: string) => {
    const value = name === 'role' ? references.role : references.files.get(name.replace(/^files\./, ''));
    if (value === undefined) throw new Error(`unknown reference ${name}`);
    return value;
  });
}

function* scalars(node: YamlNode): Generator<ScalarNode> {
  if (node.kind === 'scalar') yield node;
  else if (node.kind === 'sequence') for (const item of node.items) yield* scalars(item);
  else if (node.kind === 'mapping') for (const entry of node.entries) yield* scalars(entry.value);
}

function unknownReference(node: ScalarNode, name: string, templates: readonly string[]): Diagnostic {
  const known = ['role', ...templates.map(template => `files.${template}`)];
  const close = nearest(name, known);
  return {
    code: 'unknown-reference',
    severity: 'error',
    message: `nothing is called {{ ${name} }} here; there is ${known.join(', ')}`,
    file: node.file,
    line: node.line,
    column: node.column,
    ...(close !== undefined && { hint: `did you mean {{ ${close} }}?` }),
  };
}

/** Every reference below `commands` that names neither the role nor a template of this render file. */
export function checkReferences(root: YamlNode, templates: readonly string[]): Diagnostic[] {
  if (root.kind !== 'mapping') return [];
  const commands = root.entries.find(entry => entry.key.text === 'commands')?.value;
  if (commands === undefined) return [];
  const problems: Diagnostic[] = [];
  for (const node of scalars(commands)) {
    for (const [, name = ''] of node.text.matchAll(REFERENCE)) {
      const isKnown = name === 'role' || templates.some(template => name === `files.${template}`);
      if (!isKnown) problems.push(unknownReference(node, name, templates));
    }
  }
  return problems;
}
