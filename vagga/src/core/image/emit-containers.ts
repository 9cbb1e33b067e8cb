// Steps whose identity is that of other containers.
import type { Step } from '../../config/model.ts';
import { type Emit, type Fields, type HashWorld, path } from './emit.ts';
import { content, selected } from './emit-files.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import type { Filter } from './tree.ts';

type HashSteps = (out: FieldWriter, steps: readonly Step[], world: HashWorld) => void;

/** `hashSteps`: of the table that these emitters are in. */
export function containerEmitters(hashSteps: HashSteps) {
  const within: string[] = [];

  /** A main config cannot go round, but steps of another config may name containers of the main one. */
  const hashWithin = (out: FieldWriter, title: string, steps: readonly Step[], world: HashWorld): void => {
    if (within.includes(title))
      throw new NotHashable('failed', `${[...within, title].join(' -> ')} goes round in a circle`);
    within.push(title);
    try {
      hashSteps(out, steps, world);
    } finally {
      within.pop();
    }
  };

  /** Only the steps of the parent count: not its ids, data dirs or name. */
  const stepsOf = (out: FieldWriter, name: string, world: HashWorld): void => {
    const parent = world.containers[name];
    if (parent === undefined) throw new NotHashable('failed', `Container "${name}" not found`);
    hashWithin(out, name, parent.setup, world);
  };

  const container: Emit = (out, value, world) => stepsOf(out, value as string, world);

  const build: Emit = (out, value, world) => {
    const step = value as Fields;
    if (step.contentHash === true) builtContent(out, step, world);
    else stepsOf(out, step.container as string, world);
  };

  const subConfig: Emit = (out, value, world) => {
    const other = world.otherContainer(value);
    if (other.kind !== 'found') throw new NotHashable(other.kind, other.message);
    hashWithin(out, other.title, other.container.setup, world);
  };

  return { container, build, subConfig };
}

/** What the other image holds. Names count without the directory of the image: it would bring its version in again. */
function builtContent(out: FieldWriter, step: Fields, world: HashWorld): void {
  const image = world.image(step.container as string);
  if (image.kind !== 'built') throw new NotHashable(image.kind, image.message);
  const source = `${image.root}${step.source as string}`.replace(/\/$/, '');
  const rules = step.rules as readonly string[];
  const filter: Filter = { rules, ...(rules.length > 0 && { noDefaultRules: true }) };
  for (const entry of selected(world, source, filter)) {
    out.path('filename', entry.path.slice(image.root.length) || '/');
    if (entry.stat.kind !== 'symlink') out.field('mode', entry.stat.mode);
    out.field('uid', entry.stat.uid);
    out.field('gid', entry.stat.gid);
    content(out, world, entry);
  }
  if (step.path !== undefined) path('path')(out, step.path, world);
}
