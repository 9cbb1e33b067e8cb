// `!Build`: files of another container's image. `!SubConfig`: the steps of a container of another config.

import { stepTitle } from '../step-title.ts';
import { planSteps } from './index.ts';
import { behindMount } from './mounts.ts';
import {
  type BuildAction,
  type BuildState,
  type CopyValue,
  done,
  type PlanStep,
  refuse,
  type StepWorld,
} from './state.ts';

interface BuildValue {
  readonly container: string;
  readonly source: string;
  readonly path?: string;
  readonly temporaryMount?: string;
  readonly contentHash: boolean;
  readonly rules: readonly string[];
}

/** Owners and modes as they are there; the default rules of `!Copy` do not apply. */
function copyOfBuild({ source, path, rules }: BuildValue & { readonly path: string }): CopyValue {
  return {
    source,
    path,
    umask: 0,
    preservePermissions: true,
    preserveTimes: false,
    rules,
    ...(rules.length > 0 && { noDefaultRules: true }),
  };
}

function buildProblem({ temporaryMount, contentHash, rules }: BuildValue): string | undefined {
  if (temporaryMount === undefined) return undefined;
  if (contentHash) return 'content-hash cannot be used together with temporary-mount';
  return rules.length > 0 ? 'rules cannot be used together with temporary-mount' : undefined;
}

export const planBuildStep: PlanStep = (value, state) => {
  const build = value as unknown as BuildValue;
  const problem = buildProblem(build);
  if (problem !== undefined) return refuse(problem);
  const { container, source, path, temporaryMount } = build;
  const actions: BuildAction[] = [];
  if (path !== undefined) actions.push({ kind: 'copy', container, copy: copyOfBuild({ ...build, path }) });
  if (temporaryMount === undefined) return done(state, ...actions);
  const place = temporaryMount.replace(/\/+$/, '');
  actions.push({ kind: 'ensure-directory', path: place, mode: 0o755 });
  return done({ ...state, caches: { ...state.caches, [place]: { container, source } } }, ...actions);
};

/** A `!Copy` from where another image is shown reads that image. */
export function copyAction(state: BuildState, copy: CopyValue): BuildAction {
  const behind = behindMount(state.caches, copy.source);
  if (behind === undefined) return { kind: 'copy', copy };
  return { kind: 'copy', container: behind.container, copy: { ...copy, source: behind.source } };
}

/** Names in the steps are those of the main config; what the steps set stays set. */
export const planSubConfig: PlanStep = (value, state, world) => {
  const other = world.otherContainer(value);
  if (other.kind !== 'found') return refuse(other.message);
  const inside = within(world, other.title);
  if (inside === undefined) return refuse(`${other.title} leads back to itself`);
  const planned = planSteps(other.container.setup, state, inside);
  if (!planned.ok) {
    const [{ step, message } = { step: undefined, message: '' }] = planned.problems;
    return refuse(
      step === undefined ? message : `${step.file}:${step.line}: sub-step ${stepTitle(step)}: ${message}`,
    );
  }
  const subSteps = planned.steps.map(
    ({ step, actions }): BuildAction => ({ kind: 'sub-step', title: stepTitle(step), actions }),
  );
  return done(planned.state, ...subSteps, { kind: 'host-files' });
};

/** Undefined: we are in it already. */
function within(world: StepWorld, title: string): StepWorld | undefined {
  const { inside = [] } = world;
  return inside.includes(title) ? undefined : { ...world, inside: [...inside, title] };
}
