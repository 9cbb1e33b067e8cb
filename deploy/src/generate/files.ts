import { containerSchema } from '@suite/lithos/config/container.ts';
import { masterSchema } from '@suite/lithos/config/master.ts';
import { processEntrySchema } from '@suite/lithos/config/process.ts';
import { sandboxSchema } from '@suite/lithos/config/sandbox.ts';
import { type Schema, s } from '@suite/shared/schema/index.ts';
import { toJsonSchema } from '@suite/shared/schema/json-schema.ts';
import { projectSchema } from '@suite/vagga/config/project-schema.ts';
import { renderFileSchema } from '@suite/verwalter/core/render/commands.ts';
import { editorTags } from './editor-tags.ts';
import { keyTables } from './key-tables.ts';
import { vaggaKeys } from './vagga-keys.ts';
import { vaggaSteps } from './vagga-steps.ts';

// What is written from the code and committed, so that editors and readers need no build. A test compares.

interface SchemaFile {
  readonly path: string;
  readonly title: string;
  readonly schema: Schema<unknown>;
}

const SCHEMAS: readonly SchemaFile[] = [
  { path: 'vagga/schema/vagga.json', title: 'vagga.yaml', schema: projectSchema },
  { path: 'lithos/schema/master.json', title: 'lithos master config', schema: masterSchema },
  { path: 'lithos/schema/sandbox.json', title: 'lithos sandbox config', schema: sandboxSchema },
  { path: 'lithos/schema/process.json', title: 'lithos process config', schema: s.map(processEntrySchema) },
  { path: 'lithos/schema/container.json', title: 'lithos container config', schema: containerSchema },
  { path: 'verwalter/schema/render.json', title: 'verwalter render file', schema: renderFileSchema },
];

function schemaFiles(): [string, string][] {
  return SCHEMAS.map(({ path, title, schema }) => {
    const id = `urn:suite:${path.replace('.json', '').replace('/schema/', ':')}`;
    return [path, `${JSON.stringify(toJsonSchema(schema, { id, title }), null, 1)}\n`];
  });
}

function keysPage(): string {
  return [
    '# Every key of the config files',
    '',
    'Generated from the schemas. What the files are for, with examples: [config.md](config.md).',
    '',
    keyTables('Master', masterSchema),
    keyTables('Sandbox', sandboxSchema),
    keyTables('Process', processEntrySchema),
    keyTables('Container', containerSchema),
  ].join('\n');
}

/** Path below the checkout (which is at `root`) → text. */
export function generatedFiles(root: string): ReadonlyMap<string, string> {
  return new Map([
    ...schemaFiles(),
    ['vagga/schema/vscode.json', editorTags(projectSchema)],
    ['lithos/docs/keys.md', keysPage()],
    ['vagga/docs/keys.md', vaggaKeys(root)],
    ['vagga/docs/steps.md', vaggaSteps(root)],
  ]);
}
