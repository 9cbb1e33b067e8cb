// The distributions that a build can stand on. Each knows its own name; what they have in common is asked here.
import { type BuildState, type Outcome, refuse } from './state.ts';

export type Distribution =
  | { readonly kind: 'debian'; readonly suite: string }
  /** Undefined codename: only the archive with the root file system knows it. */
  | { readonly kind: 'ubuntu'; readonly codename?: string; readonly eatmydata: boolean }
  /** `vX.Y` or `edge`. */
  | { readonly kind: 'alpine'; readonly version: string };

export type AptDistribution = Exclude<Distribution, { kind: 'alpine' }>;

const NEEDS_DISTRIBUTION = 'this step requires some linux distribution to be active';

function distributionName(distribution: Distribution): string {
  switch (distribution.kind) {
    case 'debian':
      return `Debian ${distribution.suite}`;
    case 'ubuntu':
      return `Ubuntu ${distribution.codename ?? ''}`.trimEnd();
    case 'alpine':
      return `Alpine ${distribution.version}`;
  }
}

/** A build starts from one distribution only. */
export function secondDistribution(state: BuildState, wanted: Distribution): Outcome | undefined {
  if (state.distribution === undefined) return undefined;
  const [name, active] = [wanted, state.distribution].map(distributionName);
  return refuse(`step initializes distribution "${name}" but the "${active}" is already initialized`);
}

/** The active distribution, if it is one of `kinds`; else why the step cannot be used. */
export function activeOf<K extends Distribution['kind']>(
  state: BuildState,
  ...kinds: readonly K[]
): Extract<Distribution, { kind: K }> | { readonly refused: Outcome } {
  const { distribution } = state;
  if (distribution === undefined) return { refused: refuse(NEEDS_DISTRIBUTION) };
  if (kinds.some(kind => kind === distribution.kind))
    return distribution as Extract<Distribution, { kind: K }>;
  const names = kinds.map(kind => `${kind[0]?.toUpperCase()}${kind.slice(1)}`).join(' or ');
  return {
    refused: refuse(`step must be used on ${names}, not on ${distributionName(distribution)}`),
  };
}
