// Node's bigger modules are loaded when something of them is used, not when a bundle starts: `node:child_process` alone brings
// 30 more and takes 2 ms, in a command that may never start anything.
import { builtinModules } from 'node:module';

/** What Node has loaded itself before the first line of ours. */
const LOADED_ANYWAY = ['buffer', 'events', 'fs', 'module', 'path', 'process', 'timers', 'url', 'util'];
const LAZY = builtinModules.filter(name => !name.startsWith('_') && !LOADED_ANYWAY.includes(name));

/** A stand-in whose properties ask the module itself. */
async function standIn(name) {
  const names = Object.keys(await import(`node:${name}`)).filter(key => key !== 'default');
  return `const load = () => process.getBuiltinModule(${JSON.stringify(name)});
for (const name of ${JSON.stringify(names)})
  Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });`;
}

/** esbuild plugin. Not for a module whose default import is used: that is the whole of it. */
export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) =>
      LAZY.includes(path.slice('node:'.length)) ? { path, namespace: 'lazy-builtin' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, async ({ path }) => ({
      contents: await standIn(path.slice('node:'.length)),
    }));
  },
};
