// vagga/docs/keys.md: every key of vagga.yaml and of the settings.
import type { AnySchema, Shape } from '@suite/shared/schema/shape.ts';
import { CHILDREN, COMMANDS } from '@suite/vagga/config/command-schemas.ts';
import { containerSchema } from '@suite/vagga/config/container-schema.ts';
import { projectSchema } from '@suite/vagga/config/project-schema.ts';
import { DEFAULT_SETTINGS } from '@suite/vagga/config/settings-model.ts';
import { projectSettingsSchema, userSettingsSchema } from '@suite/vagga/config/settings-schema.ts';
import { camel } from '@suite/vagga/config/spelling.ts';
import { VOLUMES } from '@suite/vagga/config/volume-schemas.ts';
import { type ExampleOf, type ExampleProject, examplesOf } from './key-examples.ts';
import { fieldTable, typeOf, unwrapped } from './key-tables.ts';

type Fields = Extract<Shape, { kind: 'struct' }>['fields'];

/** Keys of a structure; of its alternatives the one that has keys. */
export function fieldsOf(schema: AnySchema): Fields | undefined {
  const shape = unwrapped(schema);
  if (shape.kind === 'either') return shape.options.map(fieldsOf).find(fields => fields !== undefined);
  return shape.kind === 'struct' ? shape.fields : undefined;
}

const without = (fields: Fields, known: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => !Object.hasOwn(known, key)));

const fields = (schema: AnySchema): Fields => fieldsOf(schema) ?? {};

/** A heading for each variant, with its keys or what stands in their place. */
function variants(
  level: string,
  all: Readonly<Record<string, AnySchema>>,
  examples: (tag: string) => ExampleOf,
): string {
  return Object.entries(all)
    .map(([tag, schema]) => {
      const keys = fieldsOf(schema);
      const kind = unwrapped(schema).kind === 'nothing' ? 'no value' : typeOf(schema);
      const exampleOf = examples(tag);
      const value =
        keys === undefined
          ? `Value: ${kind}. Example: ${exampleOf(`!${tag}`)}.\n`
          : fieldTable(keys, exampleOf);
      return `${level} !${tag}\n\n${schema.description ?? ''}\n\n${value}`;
    })
    .join('\n');
}

function taggedIn(schema: AnySchema | undefined): Readonly<Record<string, AnySchema>> {
  const shape = schema === undefined ? undefined : unwrapped(schema);
  return shape?.kind === 'tagged' ? shape.variants : {};
}

/** The keys of the items of a list. */
function itemFields(schema: AnySchema | undefined): Fields {
  const shape = schema === undefined ? undefined : unwrapped(schema);
  return shape?.kind === 'list' ? fields(shape.item) : {};
}

function settingDefault(key: string): string {
  const value = (DEFAULT_SETTINGS as unknown as Readonly<Record<string, unknown>>)[camel(key)];
  if (value === undefined) return 'none';
  return typeof value === 'object' ? 'empty' : `\`${String(value)}\``;
}

function settings(): string {
  const user = fields(userSettingsSchema);
  const project = fields(projectSettingsSchema);
  const rows = Object.entries({ ...user, ...project }).map(([key, { schema, description }]) => {
    const where = [Object.hasOwn(user, key) && 'user', Object.hasOwn(project, key) && 'project'];
    const cells = [`\`${key}\``, typeOf(schema), settingDefault(key), where.filter(Boolean).join(', ')];
    return `| ${[...cells, description ?? ''].join(' | ')} |`;
  });
  return `| key | type | default | settings of | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

export function vaggaKeys(root: string): string {
  const within = (project: ExampleProject) => (tag: string) => examplesOf(root, project, tag);
  const inContainers = examplesOf(root, 'containers');
  const inCommands = examplesOf(root, 'commands');
  const inServices = examplesOf(root, 'services');
  const command = fields(COMMANDS.Command);
  const child = fields(CHILDREN.Command);
  return [
    '# Every key of vagga.yaml and of the settings',
    'Generated from the schemas. What they are for, with examples: [config.md](config.md); the steps of `setup`: [steps.md](steps.md).\nThe examples are projects: `cd` into [one](key-examples/commands) and start `vagga`; above each command stands what it prints.',
    '## The file',
    fieldTable(fields(projectSchema), inContainers),
    '## Containers',
    fieldTable(fields(containerSchema), inContainers),
    '## Volumes',
    variants('###', VOLUMES, within('volumes')),
    '## Commands',
    '### !Command',
    `${COMMANDS.Command.description}`,
    fieldTable(command, inCommands),
    '### !Supervise',
    `${COMMANDS.Supervise.description} Beside the keys of a command that say nothing about a process:`,
    fieldTable(without(fields(COMMANDS.Supervise), command), inServices),
    '### !CapsuleCommand',
    `${COMMANDS.CapsuleCommand.description} Keys as of a command, as far as they concern no container, and:`,
    fieldTable(without(fields(COMMANDS.CapsuleCommand), command), inCommands),
    '## Children of !Supervise',
    '`!Command` and `!BridgeCommand` have the keys of a command except `options`, and:',
    fieldTable(without(child, command), inServices),
    '### network',
    fieldTable(fields(child.network?.schema as AnySchema), inServices),
    '## ready',
    variants('###', taggedIn(command.ready?.schema), within('services')),
    '## watch',
    fieldTable(itemFields(command.watch?.schema), inServices),
    '## Settings',
    'Read in this order, later ones over earlier ones, key by key: `~/.config/vagga/settings.yaml`, `~/.vagga/settings.yaml`, `~/.vagga.yaml`, the text in `$VAGGA_SETTINGS` (all of the user), `.vagga.settings.yaml`, `.vagga/settings.yaml` (of the project).',
    settings(),
  ]
    .map(part => part.trimEnd())
    .join('\n\n')
    .concat('\n');
}
