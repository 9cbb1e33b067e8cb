// vagga/docs/steps.md: every build step, its keys and an example that can be run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnySchema } from '@suite/shared/schema/shape.ts';
import { STEPS } from '@suite/vagga/config/steps/index.ts';
import { fieldTable, typeOf, unwrapped } from './key-tables.ts';
import { fieldsOf } from './vagga-keys.ts';

const EXAMPLES = 'vagga/docs/examples';

const kebab = (tag: string): string => tag.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();

/** What may stand behind the tag instead of a structure with keys. */
function valueText(schema: AnySchema): string {
  const shape = unwrapped(schema);
  if (shape.kind === 'nothing') return 'No value.';
  if (shape.kind === 'struct')
    return shape.shorthand === undefined ? '' : `A text alone is the key \`${shape.shorthand}\`.`;
  return `Value: ${typeOf(schema)}.`;
}

function section(root: string, tag: string, schema: AnySchema): string {
  const fields = fieldsOf(schema);
  const example = readFileSync(join(root, EXAMPLES, kebab(tag), 'vagga.yaml'), 'utf8');
  return [
    `## !${tag}`,
    [schema.description, valueText(schema)].filter(text => text).join(' '),
    ...(fields === undefined ? [] : [fieldTable(fields).trimEnd()]),
    `\`\`\`yaml\n# examples/${kebab(tag)}/vagga.yaml\n${example}\`\`\``,
  ].join('\n\n');
}

export function vaggaSteps(root: string): string {
  const all: [string, AnySchema][] = Object.entries(STEPS);
  const rows = all.map(([tag, { description }]) => `| [!${tag}](#${tag.toLowerCase()}) | ${description} |`);
  return [
    '# Every build step',
    'Generated from the schemas and from the projects in [examples](examples): `cd` into one and start `vagga`.',
    `| step | what it does |\n|---|---|\n${rows.join('\n')}`,
    ...all.map(([tag, schema]) => section(root, tag, schema)),
  ]
    .join('\n\n')
    .concat('\n');
}
