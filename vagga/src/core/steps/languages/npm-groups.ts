/** Key of the step → groups of package.json, in the order in which they count. */
export const NPM_GROUPS = [
  ['package', 'dependencies'],
  ['dev', 'devDependencies'],
  ['peer', 'peerDependencies'],
  ['bundled', 'bundledDependencies'],
  ['bundled', 'bundleDependencies'],
  ['optional', 'optionalDependencies'],
] as const;
