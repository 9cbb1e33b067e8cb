// How far a container's build can be had from the step cache, for who wants to look around there.
import type { GoodPlan } from '../../core/plan/build.ts';
import type { PlannedStep } from '../../core/steps/index.ts';
import type { BuildState } from '../../core/steps/state.ts';
import type { LayerStore } from '../layers/store.ts';
import { parentOf } from './layered.ts';
import { type KeyPlace, StepKeys } from './step-keys.ts';

export interface KnownSteps {
  /** Ids or absolute paths, bottom first; empty when nothing is known. */
  readonly layers: readonly string[];
  /** How many of the steps they hold. */
  readonly count: number;
  /** Variables after those. */
  readonly env: BuildState['env'];
}

export interface KnownRequest extends KeyPlace {
  readonly plan: GoodPlan;
  readonly keyed: GoodPlan;
  readonly ids: string;
  /** Not more steps than these. */
  readonly until: number;
}

/** The state after the last step that is known, as a build would find it. */
export function knownSteps(request: KnownRequest, store: LayerStore): KnownSteps {
  const { plan, keyed, until } = request;
  const walk = new Walk(store, new StepKeys(request, request.ids));
  const started = walk.start(request);
  const count = started === undefined ? 0 : walk.steps(keyed.steps.slice(0, until), started);
  return { layers: walk.layers, count, env: plan.steps[count]?.before.env ?? plan.env };
}

class Walk {
  readonly layers: string[] = [];
  readonly #keys: StepKeys;
  readonly #store: LayerStore;

  constructor(store: LayerStore, keys: StepKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** How many steps are done by it; undefined when no step can follow. */
  start({ plan, keyed, parents }: KnownRequest): 0 | 1 | undefined {
    const actions = plan.steps[0]?.actions ?? [];
    const parent = parentOf(actions, parents);
    if (parent === undefined) return this.#take(this.#keys.of('prepare', keyed.prepare)) ? 0 : undefined;
    this.layers.push(...parent.layers);
    this.#keys.standOn(`image ${parent.id}`);
    const rest = actions.slice(1);
    return rest.length === 0 || this.#take(this.#keys.of('rest', rest)) ? 1 : undefined;
  }

  /** How many are known, the first `from` of them already. */
  steps(planned: readonly PlannedStep[], from: number): number {
    const unknown = planned.slice(from).findIndex(step => !this.#step(step));
    return unknown < 0 ? Math.max(planned.length, from) : from + unknown;
  }

  #step({ step, actions }: PlannedStep): boolean {
    const key = this.#keys.ofStep(step, actions);
    if (actions.length > 0) return this.#take(key);
    this.#keys.standOn(key);
    return true;
  }

  /** False: there is no such layer. */
  #take(key: string | undefined): boolean {
    const layer = key === undefined ? undefined : this.#store.find(key);
    if (layer === undefined) return false;
    this.layers.push(layer.id);
    this.#keys.standOn(layer.id);
    return true;
  }
}
