// `!Container`: start from the image of another container and take over what its steps have set.
import { planSteps } from './index.ts';
import { cachesOnly } from './mounts.ts';
import { type BuildState, done, type PlanStep, refuse } from './state.ts';

/** Build dependencies of the parent are gone already, its package lists are not ours, and what it mounted was for itself. */
function inherited(state: BuildState): BuildState {
  const languages = { ...state.languages, used: [] };
  return { ...state, buildDeps: [], listsFresh: false, caches: cachesOnly(state.caches), languages };
}

export const planContainer: PlanStep = (value, state, world) => {
  const name = value as string;
  const parent = world.containers[name];
  if (parent === undefined) return refuse(`Container "${name}" not found`);
  const planned = planSteps(parent.setup, state, world);
  if (!planned.ok) return refuse(`container "${name}" cannot be built`);
  return done(inherited(planned.state), { kind: 'copy-root', container: name });
};
