// `!Debian` and `!DebianRelease`: a minimal system from the Debian archive, or from the archive as it once was.
import { APT_BASE } from './apt-base.ts';
import { secondDistribution } from './distribution.ts';
import type { DebianRelease } from './package-actions.ts';
import { type BuildState, done, type Outcome, type PlanStep, refuse } from './state.ts';

function withDebian(state: BuildState, suite: string): BuildState {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LANG: 'C.UTF-8', ...state.env };
  return { ...state, distribution: { kind: 'debian', suite }, env };
}

/** `20260131` is that day's first moment. */
const snapshotTime = (text: string) => (text.includes('T') ? text : `${text}T000000Z`);

function start(state: BuildState, release: DebianRelease): Outcome {
  const { suite, mirror, snapshot } = release;
  const second = secondDistribution(state, { kind: 'debian', suite });
  if (second !== undefined) return second;
  if (mirror !== undefined && snapshot !== undefined)
    return refuse('mirror and snapshot cannot be given together: a snapshot has its own mirror');
  const dated = snapshot === undefined ? release : { ...release, snapshot: snapshotTime(snapshot) };
  return done(withDebian(state, suite), { kind: 'bootstrap-debian', ...dated }, ...APT_BASE);
}

export const planDebian: PlanStep = (value, state) => {
  const release = value as unknown as Omit<DebianRelease, 'variant'>;
  return start(state, { ...release, variant: 'minbase' });
};

export const planDebianRelease: PlanStep = (value, state) => {
  const { codename, ...rest } = value as unknown as { codename: string } & Omit<DebianRelease, 'suite'>;
  return start(state, { ...rest, suite: codename });
};
