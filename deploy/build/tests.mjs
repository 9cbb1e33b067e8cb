// Compiles every `PACKAGE/test/**/*.test.ts` to `PACKAGE/dist/test/….cjs` with esbuild: tap's own TypeScript plugin
// does not work with TypeScript 7. Packages stay external, the suite's own sources are bundled.
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

export const PACKAGES = ['shared', 'vagga', 'lithos', 'cantal', 'verwalter', 'ui', 'deploy'];

function walk(directory, found = []) {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) walk(path, found);
    else if (name.endsWith('.test.ts')) found.push(path);
  }
  return found;
}

function testsOf(root, name) {
  try {
    return walk(join(root, name, 'test')).sort();
  } catch {
    return [];
  }
}

/** Bundled: our own sources. External: everything from node_modules, found at run time from the output's place. */
const ownSourcesOnly = {
  name: 'own-sources-only',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, args =>
      args.path.startsWith('@suite/') || args.kind === 'entry-point'
        ? undefined
        : { path: args.path, external: true },
    );
  },
};

/** Returns the compiled files as `{package, source, output}`, in a fixed order; `wanted` filters by a part of the path. */
export async function compileTests(root, wanted = []) {
  const found = PACKAGES.flatMap(name => testsOf(root, name).map(source => ({ package: name, source })));
  const chosen = found.filter(
    ({ source }) => wanted.length === 0 || wanted.some(part => relative(root, source).includes(part)),
  );
  return await Promise.all(
    chosen.map(async test => {
      const inside = relative(join(root, test.package, 'test'), test.source).replace(/\.ts$/, '.cjs');
      const output = join(root, test.package, 'dist', 'test', inside);
      await build({
        entryPoints: [test.source],
        outfile: output,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        target: 'node20',
        sourcemap: 'inline',
        plugins: [ownSourcesOnly],
        logLevel: 'warning',
        define: { SUITE_VERSION: '"test"', 'import.meta.url': '__suiteUrl' },
        banner: { js: 'const __suiteUrl=require("node:url").pathToFileURL(__filename).href;' },
      });
      return { ...test, output };
    }),
  );
}
