// Carries out a plan on a stack of layers: steps whose result is known already are taken from the step cache, up to the first
// that is not; what that one and the later ones change becomes layers of their own.
import { rmSync } from 'node:fs';
import { CACHE_LOCK_WAIT_S } from '../../config/defaults.ts';
import type { Step } from '../../config/model.ts';
import type { GoodPlan } from '../../core/plan/build.ts';
import { stepTitle } from '../../core/step-title.ts';
import type { BuildAction, BuildState } from '../../core/steps/state.ts';
import type { Layer, LayerStore } from '../layers/store.ts';
import type { LayeredTree } from '../layers/tree.ts';
import { execute } from './actions.ts';
import type { BuildContext, ParentImage } from './context.ts';
import { putHostFiles } from './host-files.ts';
import { takeLock } from './lock.ts';
import type { StepReport } from './report.ts';
import { StepKeys } from './step-keys.ts';

export interface LayeredPlan {
  readonly plan: GoodPlan;
  /** The same without the caller's proxies. */
  readonly keyed: GoodPlan;
}

export interface StepFailure {
  readonly message: string;
  readonly step?: Step;
  /** Variables of the failed step. */
  readonly env: BuildState['env'];
}

/** The image that the first step continues. */
export function parentOf(
  [first]: readonly BuildAction[],
  parents: ReadonlyMap<string, ParentImage>,
): ParentImage | undefined {
  return first?.kind === 'copy-root' ? parents.get(first.container) : undefined;
}

export class LayeredBuild {
  readonly #context: BuildContext;
  readonly #tree: LayeredTree;
  readonly #store: LayerStore;
  readonly #report: StepReport;
  readonly #keys: StepKeys;
  #isLookingUp: boolean;
  #hasHostFiles = false;
  #resumedAt: number | undefined;

  /** `ids`: of the container, as text. */
  constructor(context: BuildContext, store: LayerStore, report: StepReport, ids: string) {
    this.#context = context;
    this.#tree = context.tree;
    this.#store = store;
    this.#report = report;
    this.#keys = new StepKeys(context, ids);
    this.#isLookingUp = context.settings.stepCache && !context.force;
  }

  async run({ plan, keyed }: LayeredPlan): Promise<StepFailure | undefined> {
    const parent = parentOf(plan.steps[0]?.actions ?? [], this.#context.parents);
    // An image that continues another has all of its directories already.
    const prepared = parent === undefined ? await this.#prepare(plan, keyed) : undefined;
    if (prepared !== undefined) return { message: prepared, env: {} };
    for (const [index, { step, actions, before }] of plan.steps.entries()) {
      const failed =
        index === 0 && parent !== undefined
          ? await this.#continueFrom(step, parent, actions.slice(1))
          : await this.#step(step, () => this.#actions(plan, index), keyed.steps[index]?.actions ?? []);
      if (failed !== undefined) return { message: failed, step, env: before.env };
    }
    const failed = await this.#finish(plan.finish);
    return failed === undefined ? undefined : { message: failed, env: plan.steps.at(-1)?.before.env ?? {} };
  }

  /** After steps from the cache the rest is planned for a build that resumes there. */
  #actions(plan: GoodPlan, index: number): readonly BuildAction[] {
    this.#resumedAt ??= index;
    return plan.resumed(this.#resumedAt)[index - this.#resumedAt]?.actions ?? [];
  }

  async #prepare(plan: GoodPlan, keyed: GoodPlan): Promise<string | undefined> {
    const key = this.#keys.of('prepare', keyed.prepare);
    if (this.#cached(key) !== undefined) return undefined;
    return await this.#make('prepare', plan.prepare, key);
  }

  /** Instead of copying: the layers of the other image, or its directory, are below ours. */
  async #continueFrom(
    step: Step,
    parent: ParentImage,
    rest: readonly BuildAction[],
  ): Promise<string | undefined> {
    const done = this.#report.begin(stepTitle(step), step);
    for (const layer of parent.layers) this.#tree.push(layer);
    this.#keys.standOn(`image ${parent.id}`);
    if (rest.length > 0) {
      const failed = await this.#make(stepTitle(step), rest, this.#keys.of('rest', rest));
      if (failed !== undefined) return done.failed(failed);
    }
    done.ok('cached');
    return undefined;
  }

  async #step(
    step: Step,
    actions: () => readonly BuildAction[],
    keyed: readonly BuildAction[],
  ): Promise<string | undefined> {
    const title = stepTitle(step);
    const done = this.#report.begin(title, step);
    const key = this.#keys.ofStep(step, keyed);
    // It changes nothing, but what comes after it depends on it.
    if (keyed.length === 0) {
      this.#keys.standOn(key);
      done.ok('nothing to do');
      return undefined;
    }
    const wasLookingUp = this.#isLookingUp;
    const cached = this.#cached(key);
    if (cached !== undefined) {
      done.ok('cached', cached.sizeBytes);
      return undefined;
    }
    return await this.#alone(key, async () => {
      const made = wasLookingUp ? this.#madeMeanwhile(key) : undefined;
      const failed = made === undefined ? await this.#make(title, actions(), key) : undefined;
      if (failed !== undefined) return done.failed(failed);
      done.ok(made === undefined ? 'made' : 'cached', made?.sizeBytes ?? this.#madeBytes);
      return undefined;
    });
  }

  /** Of two builds that come to the same step at once, the second waits and then takes what the first has made. */
  async #alone<T>(key: string | undefined, work: () => Promise<T>): Promise<T> {
    if (key === undefined) return await work();
    const path = this.#store.lockOf(key);
    const lock = await takeLock(path, CACHE_LOCK_WAIT_S, this.#context.signal);
    if (lock === 'busy' || lock instanceof Error) return await work();
    try {
      return await work();
    } finally {
      // Whoever waits for it finds the layer; who comes later makes a new file.
      rmSync(path, { force: true });
      await lock.release();
    }
  }

  #cached(key: string | undefined): Layer | undefined {
    const layer = this.#isLookingUp && key !== undefined ? this.#store.find(key) : undefined;
    if (layer === undefined) this.#isLookingUp = false;
    else this.#take(layer);
    return layer;
  }

  #madeMeanwhile(key: string | undefined): Layer | undefined {
    this.#isLookingUp = true;
    return this.#cached(key);
  }

  #take(layer: Layer): void {
    this.#tree.push(layer.id);
    this.#keys.standOn(layer.id);
    // Of a build that was killed just when it had made the layer.
    if (layer.key !== undefined) rmSync(this.#store.lockOf(layer.key), { force: true });
  }

  #madeBytes = 0;

  /** A full disk is no error of ours: what the system says is told as the failure of the step. */
  async #make(
    title: string,
    actions: readonly BuildAction[],
    key: string | undefined,
  ): Promise<string | undefined> {
    try {
      return await this.#made(title, actions, key);
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #made(
    title: string,
    actions: readonly BuildAction[],
    key: string | undefined,
  ): Promise<string | undefined> {
    const startMs = performance.now();
    await this.#tree.open();
    // A layer of yesterday may know yesterday's name servers.
    if (!this.#hasHostFiles) putHostFiles(this.#tree.root);
    this.#hasHostFiles = true;
    const failed = await execute(this.#context, actions);
    if (failed !== undefined) return failed;
    const seconds = (performance.now() - startMs) / 1000;
    const layer = await this.#tree.seal({ title, seconds, ...(key !== undefined && { key }) });
    this.#keys.standOn(key === undefined ? undefined : layer.id);
    this.#madeBytes = layer.sizeBytes;
    return undefined;
  }

  async #finish(actions: readonly BuildAction[]): Promise<string | undefined> {
    this.#report.beginFinish();
    return await this.#make('finish', actions, undefined);
  }
}
