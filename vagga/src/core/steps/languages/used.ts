// Which tools a build has used already: they are set up once, and what they installed is listed at the end.
import type { BuildState } from '../state.ts';
import type { Tool } from './types.ts';

export const isUsed = ({ languages }: BuildState, tool: Tool): boolean => languages.used.includes(tool);

export function withUsed(state: BuildState, tool: Tool): BuildState {
  if (isUsed(state, tool)) return state;
  return { ...state, languages: { ...state.languages, used: [...state.languages.used, tool] } };
}
