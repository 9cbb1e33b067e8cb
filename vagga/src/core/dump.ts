// The merged config as JSON for other programs (§4.10 of the format): every key that the schemas declare, with what it has.
import type { AnySchema, Shape } from '@suite/shared/schema/shape.ts';
import { CHILDREN, COMMANDS } from '../config/command-schemas.ts';
import { containerSchema } from '../config/container-schema.ts';
import { DEFAULT_SHELL } from '../config/defaults.ts';
import type { ChildCommand, Command, Container, Project } from '../config/model.ts';
import { byCodePoint } from '../config/order.ts';
import { camel, snake } from '../config/spelling.ts';

type Values = Readonly<Record<string, unknown>>;

function sortedMap(map: object, change: (value: never) => unknown): Values {
  const entries = Object.entries(map).sort(([a], [b]) => byCodePoint(a, b));
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value as never)]));
}

/** Of alternatives, the one that such a value comes from: a list, a structure, or a scalar. */
function fitting(options: readonly AnySchema[], value: unknown): Shape | undefined {
  const wanted = Array.isArray(value) ? 'list' : typeof value === 'object' ? 'struct' : undefined;
  return options.map(({ shape }) => shape).find(({ kind }) => kind === wanted);
}

/** `value` is decoded: keys in camelCase, what tags choose as `{tag, value}` or `{tag, …}`. */
function shown(shape: Shape, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  switch (shape.kind) {
    case 'wrapped':
    case 'nullable':
      return shown(shape.inner.shape, value);
    case 'choice':
      return snake(value as string);
    case 'list':
      return (value as unknown[]).map(item => shown(shape.item.shape, item));
    case 'map':
      return sortedMap(value, item => shown(shape.value.shape, item));
    case 'struct':
      return structure(shape, value as Values);
    case 'tagged':
      return tagged(shape, value as Values & { tag: string });
    case 'either': {
      const chosen = fitting(shape.options, value);
      return chosen === undefined ? value : shown(chosen, value);
    }
    default:
      return value;
  }
}

function structure({ fields }: Shape & { kind: 'struct' }, value: Values): Values {
  return Object.fromEntries(
    Object.entries(fields).map(([key, { schema }]) => [snake(key), shown(schema.shape, value[camel(key)])]),
  );
}

function tagged({ variants }: Shape & { kind: 'tagged' }, value: Values & { tag: string }): unknown {
  const inner = 'value' in value ? value.value : value;
  const shape = variants[value.tag]?.shape;
  return { [value.tag]: shape === undefined ? inner : shown(shape, inner) };
}

/** Volumes without a value are just their names. */
const volume = (dumped: unknown): unknown => {
  const [[tag, value] = []] = Object.entries(dumped as object);
  return value === null ? tag : dumped;
};

const withVolumes = (dumped: Values): Values =>
  dumped.volumes === undefined ? dumped : { ...dumped, volumes: sortedMap(dumped.volumes as object, volume) };

function container(value: Container): Values {
  const isDefault = JSON.stringify(value.defaultShell) === JSON.stringify(DEFAULT_SHELL);
  const dumped = shown(containerSchema.shape, {
    ...value,
    defaultShell: isDefault ? [] : value.defaultShell,
  });
  return { ...withVolumes(dumped as Values), source: value.source };
}

function processOf(schema: AnySchema, value: Command | ChildCommand): Values {
  const dumped = withVolumes(shown(schema.shape, value) as Values);
  const run =
    'run' in value && (typeof value.run === 'string' ? { Shell: value.run } : { Command: value.run });
  return { ...dumped, ...(run !== false && { run }), source: value.source ?? null };
}

function child(value: ChildCommand): Values {
  const tag = value.bridge ? 'BridgeCommand' : 'Command';
  return { [tag]: processOf(CHILDREN[tag], value) };
}

function command(value: Command): Values {
  if (value.kind === 'command') return { Command: processOf(COMMANDS.Command, value) };
  if (value.kind === 'capsule') return { CapsuleCommand: processOf(COMMANDS.CapsuleCommand, value) };
  const { children, killUnresponsiveAfterS, ...rest } = value;
  const own = { ...rest, children: {}, killUnresponsiveAfter: killUnresponsiveAfterS };
  const dumped = processOf(COMMANDS.Supervise, own as unknown as Command);
  return { Supervise: { ...dumped, children: sortedMap(children, child) } };
}

/** Keys of the user (those that start with `_`) are not part of it; mixins are merged already. */
export function dumpConfig(project: Project): Values {
  return {
    minimum_vagga: project.minimumVagga ?? null,
    mixins: [],
    commands: sortedMap(project.commands, command),
    containers: sortedMap(project.containers, container),
  };
}
