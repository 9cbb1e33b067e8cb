// Repositories of packages beyond the distribution's own: `!UbuntuRepo`, `!AptTrust`, `!AlpineRepo`, `!Repo`.
import { withHttps } from './apt.ts';
import { type AptDistribution, activeOf } from './distribution.ts';
import type { AptSource } from './package-actions.ts';
import { type BuildState, done, type Outcome, type PlanStep, refuse } from './state.ts';
import { withUniverse } from './universe.ts';

/** Something in a sources file that ends a word or a line would make another source of it. */
const hasBlank = (text: string) => /[\s[\]]/.test(text);

/** Certificates are installed before the file is there, so that the lists can still be read. */
export function addSource(state: BuildState, distribution: AptDistribution, wanted: AptSource): Outcome {
  // Debian's own file does not name the suite in each case (sid), so it is named here.
  const source = distribution.kind === 'debian' ? { suite: distribution.suite, ...wanted } : wanted;
  const { url, suite, components } = source;
  const bad = [url, suite, ...components].find(text => text !== undefined && hasBlank(text));
  if (bad !== undefined) return refuse(`${JSON.stringify(bad)} must not contain blanks or brackets`);
  const https = state.repositories.https || url?.startsWith('https:') === true;
  const seen = { ...state, repositories: { ...state.repositories, https } };
  const prepared = withHttps(seen, distribution);
  const next = { ...prepared.state, listsFresh: false };
  return done(next, ...prepared.actions, { kind: 'apt-source', ...source });
}

export const planUbuntuRepo: PlanStep = (value, state) => {
  const active = activeOf(state, 'ubuntu', 'debian');
  if ('refused' in active) return active.refused;
  return addSource(state, active, value as unknown as AptSource);
};

const KEY = /^(0x)?([0-9A-Fa-f]{8}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40})$/;

export const planAptTrust: PlanStep = (value, state) => {
  const active = activeOf(state, 'ubuntu', 'debian');
  if ('refused' in active) return active.refused;
  const { server, keys } = value as unknown as { server?: string; keys: readonly string[] };
  const ids = keys.map(key => key.replace(/\s/g, ''));
  const bad = ids.find(key => !KEY.test(key));
  if (bad !== undefined) return refuse(`${bad} is not the id or fingerprint of a key`);
  const universe =
    server === undefined || server.startsWith('hkps:') ? withUniverse(state) : { state, actions: [] };
  const given = server === undefined ? {} : { server };
  return done(universe.state, ...universe.actions, { kind: 'apt-trust', ...given, keys: ids });
};

const addAlpine = (
  state: BuildState,
  version: string,
  { branch = version, ...rest }: { url?: string; branch?: string; repo: string; tag?: string },
): Outcome => {
  const bad = [branch, ...Object.values(rest)].find(text => /\s/.test(text));
  if (bad !== undefined) return refuse(`${JSON.stringify(bad)} must not contain blanks`);
  return done({ ...state, listsFresh: false }, { kind: 'apk-repository', branch, ...rest });
};

export const planAlpineRepo: PlanStep = (value, state) => {
  const active = activeOf(state, 'alpine');
  if ('refused' in active) return active.refused;
  return addAlpine(state, active.version, value as unknown as Parameters<typeof addAlpine>[2]);
};

/** `NAME` or `SUITE/NAME`, with the meaning of the active distribution. */
export const planRepo: PlanStep = (value, state) => {
  const active = activeOf(state, 'alpine', 'debian', 'ubuntu');
  if ('refused' in active) return active.refused;
  const parts = (value as string).split('/');
  if (parts.length > 2 || parts.includes(''))
    return refuse(`a repository is written NAME or BRANCH/NAME, not ${value as string}`);
  const name = parts.at(-1) as string;
  const branch = parts.length === 2 ? (parts[0] as string) : undefined;
  if (active.kind === 'alpine')
    return addAlpine(state, active.version, { repo: name, ...(branch !== undefined && { branch }) });
  const suite = branch === undefined ? {} : { suite: branch };
  return addSource(state, active, { ...suite, components: [name], trusted: false });
};
