// `!OciImage`: start from an image of a registry, or from one on disk.
import { distributionOfName, parseDistribution } from '../oci/distribution.ts';
import { parsePlatform } from '../oci/platform.ts';
import { parseReference } from '../oci/reference.ts';
import { APT_BASE } from './apt-base.ts';
import { type Distribution, secondDistribution } from './distribution.ts';
import type { OciAction } from './oci-actions.ts';
import { type BuildAction, type BuildState, done, type PlanStep, refuse } from './state.ts';

interface OciValue {
  readonly image?: string;
  readonly archive?: string;
  readonly layout?: string;
  readonly platform?: string;
  readonly tlsVerify: boolean;
  readonly distribution?: string;
}

/** In images of Docker it deletes the packages that vagga keeps for the next build. */
const DOCKER_CLEAN = '/etc/apt/apt.conf.d/docker-clean';

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive', LANG: 'C.UTF-8' };

function sourceOf(value: OciValue): OciAction['source'] | string {
  const { image, archive, layout, tlsVerify } = value;
  const path = archive ?? layout;
  if (archive !== undefined && layout !== undefined) return 'archive and layout cannot be given together';
  if (path !== undefined) {
    if (/^https?:/.test(path)) return 'archive and layout are on disk: fetch the file with !Download before';
    const kind = archive === undefined ? 'layout' : 'archive';
    return { kind, path, ...(image !== undefined && { name: image }) };
  }
  if (image === undefined) return 'one of image, archive and layout must be given';
  const reference = parseReference(image);
  return typeof reference === 'string'
    ? `${JSON.stringify(image)} is not the name of an image: ${reference}`
    : { kind: 'registry', reference, tlsVerify };
}

function distributionOf(value: OciValue, source: OciAction['source']): Distribution | undefined | string {
  const { distribution } = value;
  if (distribution === undefined)
    return source.kind === 'registry' ? distributionOfName(source.reference) : undefined;
  const found = parseDistribution(distribution);
  return (
    found ??
    `distribution is written "debian bookworm", "ubuntu noble" or "alpine v3.20", not ${JSON.stringify(distribution)}`
  );
}

/** What later steps need to know, and what makes package managers behave. */
function withDistribution(
  state: BuildState,
  distribution: Distribution | undefined,
): { state: BuildState; actions: readonly BuildAction[] } {
  if (distribution === undefined) return { state, actions: [] };
  if (distribution.kind === 'alpine') return { state: { ...state, distribution }, actions: [] };
  const next = { ...state, distribution, env: { ...APT_ENV, ...state.env } };
  return { state: next, actions: [...APT_BASE, { kind: 'remove', path: DOCKER_CLEAN }] };
}

function releaseOf(distribution: Distribution): NonNullable<OciAction['expects']> {
  switch (distribution.kind) {
    case 'debian':
      return { id: 'debian', release: distribution.suite };
    case 'ubuntu':
      return { id: 'ubuntu', release: distribution.codename ?? '' };
    case 'alpine':
      return { id: 'alpine', release: distribution.version.slice(1) };
  }
}

export const planOciImage: PlanStep = (value, state) => {
  const image = value as unknown as OciValue;
  const source = sourceOf(image);
  if (typeof source === 'string') return refuse(source);
  const platform = image.platform === undefined ? undefined : parsePlatform(image.platform);
  if (image.platform !== undefined && platform === undefined)
    return refuse(`platform is written as linux/amd64, not ${JSON.stringify(image.platform)}`);
  const distribution = distributionOf(image, source);
  if (typeof distribution === 'string') return refuse(distribution);
  const second = distribution === undefined ? undefined : secondDistribution(state, distribution);
  if (second !== undefined) return second;
  const { state: next, actions } = withDistribution(state, distribution);
  const action: OciAction = {
    kind: 'oci-image',
    source,
    ...(platform !== undefined && { platform }),
    ...(distribution !== undefined && { expects: releaseOf(distribution) }),
  };
  return done(next, action, ...actions);
};
