// Bundles the package in the current directory: `suite.entries` of its package.json names each bundle and its source.
// One minified CJS file per command (`yaml` bundled as ESM fails), then one warm run to make the V8 code cache.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

function clean(environment) {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = { ...process.env, ...environment };
  return rest;
}

function run(command, words, options) {
  const program = join(process.cwd(), 'bin', `${command}.cjs`);
  return spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', ...options });
}

function warmUp(command) {
  const { status, stderr } = run(command, ['--help'], { env: clean() });
  if (status !== 0) throw new Error(`${command} --help ended with ${status}: ${stderr}`);
}

/** A run in a copy of the project `from` fills the caches of `bundles` with what a run uses, and no more. */
function warmUpIn({ command, bundles, from, code }) {
  const cwd = mkdtempSync(join(tmpdir(), 'warm-up-'));
  cpSync(from, cwd, { recursive: true });
  for (const name of bundles) rmSync(join('dist', `${name}.cache`), { force: true });
  const { status, stderr } = run(command, [], { cwd, env: clean({ SUITE_CODE_CACHE: 'used' }) });
  rmSync(cwd, { recursive: true, force: true });
  if (status !== code) throw new Error(`${command} in ${from} ended with ${status}: ${stderr}`);
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
// V8 tells a cache of other sources by their length only.
for (const name of Object.keys(suite.entries ?? {})) rmSync(join('dist', `${name}.cache`), { force: true });
const commands = Object.values(manifest.bin ?? {}).map(file => basename(file, '.cjs'));
for (const command of commands.filter(name => name in (suite.entries ?? {}))) warmUp(command);
if (suite.warmUp !== undefined) warmUpIn(suite.warmUp);
