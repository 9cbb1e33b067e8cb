// Positions for checks that look at several files at once: where in a parsed document a key path points to.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import type { YamlNode } from '@suite/shared/yaml/index.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn?: number;
}

function sameKey(written: string, wanted: string): boolean {
  return written === wanted || (written.length === wanted.length && written.replaceAll('_', '-') === wanted);
}

function child(node: YamlNode, step: string | number): YamlNode | undefined {
  if (node.kind === 'sequence' && typeof step === 'number') return node.items[step];
  if (node.kind !== 'mapping') return undefined;
  return node.entries.find(entry => sameKey(entry.key.text, String(step)))?.value;
}

function place(node: YamlNode): Place {
  const { file, line, column, endColumn } = node;
  return endColumn === undefined ? { file, line, column } : { file, line, column, endColumn };
}

/** Undefined: it is not there. */
export function nodeAt(root: YamlNode, path: readonly (string | number)[]): YamlNode | undefined {
  return path.reduce<YamlNode | undefined>((node, step) => node && child(node, step), root);
}

/** The place of the deepest node of `path` that exists: a missing optional key points at its mapping. */
export function locate(root: YamlNode, path: readonly (string | number)[]): Place {
  let found = root;
  for (const step of path) {
    const next = child(found, step);
    if (next === undefined) break;
    found = next;
  }
  return place(found);
}

/** The place of the key itself (not its value), undefined when the mapping does not have it. */
export function locateKey(root: YamlNode, key: string): Place | undefined {
  if (root.kind !== 'mapping') return undefined;
  const entry = root.entries.find(candidate => sameKey(candidate.key.text, key));
  return entry === undefined ? undefined : place(entry.key);
}

export function diagnostic(
  code: string,
  severity: Diagnostic['severity'],
  message: string,
  where: Place,
  hint?: string,
): Diagnostic {
  return hint === undefined
    ? { code, severity, message, ...where }
    : { code, severity, message, ...where, hint };
}

/** One warning for each key of `reasons` that the document spells out. */
export function warnWithoutEffect(root: YamlNode, reasons: Readonly<Record<string, string>>): Diagnostic[] {
  return Object.entries(reasons).flatMap(([key, reason]) => {
    const where = locateKey(root, key);
    return where === undefined
      ? []
      : [diagnostic('no-effect', 'warning', `\`${key}\` has no effect: ${reason}`, where)];
  });
}
