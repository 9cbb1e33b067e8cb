// `_version_hash --debug-versioning`: what goes into the hash, a line for each piece.
import type { Part } from './fields.ts';

const quoted = (text: string): string => JSON.stringify(text);

/** Undefined: nothing is shown of it. */
export function debugLine(part: Part): string | undefined {
  switch (part.kind) {
    case 'step':
      return `----- Command ${part.step.tag} -----`;
    case 'end':
    case 'data':
      return undefined;
    case 'field':
      return `field ${quoted(part.key)} ${part.value}`;
    case 'path':
      return `field:path ${quoted(part.key)} ${quoted(part.value)}`;
    case 'json':
      return `field:json ${quoted(part.key)} ${part.value}`;
    case 'list':
      return `field:list ${quoted(part.key)} [${part.values.map(quoted).join(', ')}]`;
    case 'file':
      return `file ${quoted(part.path)}`;
  }
}
