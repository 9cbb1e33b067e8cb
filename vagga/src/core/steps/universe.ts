// Ubuntu's component universe, where nearly all languages and tools are.
import type { BuildState, Change } from './state.ts';

/** Nothing on other distributions and when it is there already. */
export function withUniverse(state: BuildState): Change {
  if (state.distribution?.kind !== 'ubuntu' || state.repositories.universe) return { state, actions: [] };
  const repositories = { ...state.repositories, universe: true };
  return { state: { ...state, repositories, listsFresh: false }, actions: [{ kind: 'apt-universe' }] };
}
