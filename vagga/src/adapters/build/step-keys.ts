// The chain of keys under which the step cache knows results: each depends on the layer that the steps before have left.
import { createHash } from 'node:crypto';
import { arch } from 'node:os';
import type { Project, Step } from '../../config/model.ts';
import type { Settings } from '../../config/settings-model.ts';
import { leavesTheImage, localFilesOf, sourcesOf, stepKeyText } from '../../core/layers/key.ts';
import type { BuildAction } from '../../core/steps/state.ts';
import { hashStep } from '../image/identity.ts';
import type { Layout } from '../image/layout.ts';
import type { ParentImage } from './context.ts';
import { localStamp } from './downloads.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** What keys are made from besides the steps. */
export interface KeyPlace {
  readonly layout: Layout;
  readonly project: Project;
  readonly settings: Settings;
  readonly parents: ReadonlyMap<string, ParentImage>;
}

/** What the first layer stands on: everything that the steps do not say and that decides what they make. */
function ground({ settings }: KeyPlace, ids: string): string {
  const { debianMirror, ubuntuMirror, alpineMirror } = settings;
  return JSON.stringify([arch(), ids, debianMirror, ubuntuMirror, alpineMirror]);
}

export class StepKeys {
  readonly #place: KeyPlace;
  #below: string | undefined;

  /** `ids`: both maps of the container, as text. */
  constructor(place: KeyPlace, ids: string) {
    this.#place = place;
    this.#below = ground(place, ids);
  }

  /** From now on what comes stands on this; undefined: nothing from here on can be looked up or will be found again. */
  standOn(below: string | undefined): void {
    this.#below = below;
  }

  /** Undefined: what the actions make is not kept. */
  of(identity: string, actions: readonly BuildAction[]): string | undefined {
    if (this.#below === undefined || leavesTheImage(actions)) return undefined;
    const { parents } = this.#place;
    const containers = sourcesOf(actions).map(name => parents.get(name)?.id ?? '');
    const files = localFilesOf(actions).map(url => localStamp(this.#place, url));
    const sources = [...containers, ...files];
    return digest(stepKeyText({ below: this.#below, identity, actions, sources }));
  }

  ofStep(step: Step, actions: readonly BuildAction[]): string | undefined {
    const { layout, project } = this.#place;
    const identity = this.#below === undefined ? undefined : hashStep(layout, project, step);
    return identity === undefined ? undefined : this.of(identity, actions);
  }
}
