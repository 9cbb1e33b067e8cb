// Node's bigger modules are loaded when something of them is used, not when a bundle starts: `node:child_process` alone brings
// 30 more and takes 2 ms, in a command that may never start anything.

/** Those that cost something and are objects with functions. Not `stream` or `assert`: each is a function itself. */
const LAZY = [
  'child_process',
  'crypto',
  'dgram',
  'dns',
  'dns/promises',
  'http',
  'http2',
  'https',
  'net',
  'os',
  'readline',
  'readline/promises',
  'tls',
  'tty',
  'v8',
  'vm',
  'worker_threads',
  'zlib',
];

/** A stand-in whose properties ask the module itself. */
async function standIn(name) {
  const names = Object.keys(await import(`node:${name}`)).filter(key => key !== 'default');
  return `const load = () => process.getBuiltinModule(${JSON.stringify(name)});
for (const name of ${JSON.stringify(names)})
  Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });`;
}

/** esbuild plugin. */
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
