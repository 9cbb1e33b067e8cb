// Bundles the package in the current directory: `suite.entries` of its package.json names each bundle and its source.
// One minified CJS file per command (`yaml` bundled as ESM fails), then one warm run to make the V8 code cache.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** Native or data-carrying packages that must stay files of their own: loaded from node_modules or copied to dist. */
const EXTERNAL = ['koffi', 'esbuild', 'playwright-core', 'cbor-extract'];

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const suite = manifest.suite ?? {};

function options(name, source) {
  return {
    entryPoints: { [name]: source },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minify: true,
    keepNames: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: EXTERNAL,
    legalComments: 'none',
    logLevel: 'warning',
    define: { SUITE_VERSION: JSON.stringify(manifest.version) },
  };
}

function warmUp(command) {
  const environment = { ...process.env };
  delete environment.NODE_EXTRA_CA_CERTS;
  rmSync(join('dist', `${command}.cache`), { force: true });
  const run = spawnSync(process.execPath, [join('bin', `${command}.cjs`), '--help'], {
    env: environment,
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`${command} --help ended with ${run.status}: ${run.stderr}`);
}

function copyAssets() {
  for (const [source, target] of Object.entries(suite.assets ?? {})) {
    mkdirSync('dist', { recursive: true });
    const from = existsSync(source) ? source : join('..', source);
    cpSync(from, join('dist', target), { recursive: true });
  }
}

await Promise.all(Object.entries(suite.entries ?? {}).map(([name, source]) => build(options(name, source))));
copyAssets();
const commands = Object.values(manifest.bin ?? {}).map(file => basename(file, '.cjs'));
for (const command of commands.filter(name => name in (suite.entries ?? {}))) warmUp(command);
