// The three ways not to build as usual; whoever offers one offers all, and the last one given wins.
import type { Given } from './parse.ts';
import { flag, type OptionSpec } from './spec.ts';

export type BuildMode = 'normal' | 'no-image-download' | 'never' | 'no-version-check';

export const BUILD_MODES: readonly OptionSpec[] = [
  flag('no-image-download', ['--no-image-download'], 'Build even where a finished image could be fetched'),
  flag('never', ['--no-build'], 'Never build: fail with code 29 when a container is out of date'),
  flag('no-version-check', ['--no-version-check'], 'Run in the container built last, whatever it is'),
];

export function buildMode(given: readonly Given[], otherwise: BuildMode): BuildMode {
  const modes = BUILD_MODES.map(({ key }) => key);
  return (given.findLast(({ key }) => modes.includes(key))?.key as BuildMode | undefined) ?? otherwise;
}
