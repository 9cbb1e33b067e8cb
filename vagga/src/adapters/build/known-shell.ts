// A shell where a container's build is known to be good: after its last step in the step cache, or after one that is named.
import { join } from 'node:path';
import { containerIds } from '../../core/ids/session.ts';
import { planBuild } from '../../core/plan/build.ts';
import { stepTitle } from '../../core/step-title.ts';
import { imageId, layersBelow } from '../image/complete.ts';
import { DiskWorld } from '../image/hash-world.ts';
import { LayerStore } from '../layers/store.ts';
import { currentIds } from '../namespace/current.ts';
import type { Cache } from '../project/cache.ts';
import { proxyVariables } from '../run/proxies.ts';
import type { ParentImage } from './context.ts';
import { problemsText } from './failure.ts';
import { type KnownSteps, knownSteps } from './known-steps.ts';
import { type ShellRequest, shellInTree } from './shell.ts';

export interface KnownShellRequest extends ShellRequest {
  readonly cache: Cache;
  /** Identities of the containers it starts from, which are built. */
  readonly parents: ReadonlyMap<string, string>;
  /** From 1; undefined: as far as is known. */
  readonly step: number | undefined;
  /** Gets a line that says where the shell is. */
  readonly say: (text: string) => void;
}

function parentImages({ layout, parents }: KnownShellRequest, store: LayerStore): Map<string, ParentImage> {
  return new Map(
    [...parents].map(([name, hash]) => {
      const directory = layout.image(name, hash);
      const image = { root: layout.rootOf(name, hash), id: imageId(directory) };
      return [name, { ...image, layers: layersBelow(directory, store) }];
    }),
  );
}

/** Why it is not there, for who asked for `step`. */
function missing(name: string, titles: readonly string[], known: KnownSteps, step: number | undefined) {
  if (step !== undefined && step > titles.length)
    return `Container "${name}" has ${titles.length} steps, there is no step ${step}`;
  if (step !== undefined && known.count < step) {
    const last = known.count === 0 ? '' : `; the last one that is: --step ${known.count}`;
    return `Step ${step} of container "${name}" (${titles[step - 1]}) is not in the step cache${last}`;
  }
  return known.layers.length > 0
    ? undefined
    : `Nothing of container "${name}" is in the step cache: vagga _build ${name}`;
}

/** The shell's exit code, or a sentence why there is none. */
export async function shellInKnown(request: KnownShellRequest): Promise<number | string> {
  const { layout, name, cache, ids: wanted, step, say } = request;
  const files = new DiskWorld(layout, cache.project);
  const plan = planBuild(cache.project, name, proxyVariables(cache), files);
  const keyed = planBuild(cache.project, name, {}, files);
  const ids = containerIds(currentIds().ids, wanted);
  if (!plan.ok) return problemsText(plan.problems);
  if (!keyed.ok) return problemsText(keyed.problems);
  if (!ids.ok) return ids.message;
  const store = new LayerStore(layout.layers);
  store.hold();
  const place = { layout, project: cache.project, settings: cache.settings };
  const until = step ?? plan.steps.length;
  const maps = ids.uidMap + ids.gidMap;
  const parents = parentImages(request, store);
  const known = knownSteps({ ...place, parents, plan, keyed, ids: maps, until }, store);
  const titles = plan.steps.map(one => stepTitle(one.step));
  const problem = missing(name, titles, known, step);
  if (problem !== undefined) return problem;
  say(`${name} after ${known.count} of ${titles.length} steps; what is changed here is gone at the end`);
  const work = join(layout.transient, `${name}.shell.${process.pid}`);
  return await shellInTree(request, { layers: known.layers, env: known.env, work });
}
