// `!Alpine`: a root made by Alpine's own package manager.
import { secondDistribution } from './distribution.ts';
import { type BuildState, done, type Outcome, type PlanStep, refuse } from './state.ts';

/** What language steps take when the container has no distribution of its own. */
export const LATEST_ALPINE = 'v3.15';

const VERSION = /^v\d+.\d+$/;

/** Also for language steps that bring a distribution with them. */
export function startAlpine(state: BuildState, version: string): Outcome {
  const second = secondDistribution(state, { kind: 'alpine', version });
  if (second !== undefined) return second;
  const env = { LANG: 'en_US.UTF-8', ...state.env };
  const next = { ...state, env, distribution: { kind: 'alpine', version } as const, listsFresh: true };
  return done(next, { kind: 'bootstrap-alpine', version, env });
}

export const planAlpine: PlanStep = (value, state) => {
  const version = value as string;
  if (!VERSION.test(version)) return refuse(`Error checking alpine version: '${version}'`);
  return startAlpine(state, version);
};
