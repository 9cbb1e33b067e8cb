// Bundles the package in the current directory: `suite.entries` of its package.json names each bundle and its source.
// One minified CJS file per command (`yaml` bundled as ESM fails), then one warm run to make the V8 code cache.
import { spawnSync } from 'node:child_process';
import {
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { lazyBuiltins } from './lazy-builtins.mjs';

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
    plugins: [lazyBuiltins],
    legalComments: 'none',
    logLevel: 'warning',
    define: { SUITE_VERSION: JSON.stringify(manifest.version) },
  };
}

function clean(environment) {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = { ...process.env, ...environment };
  return rest;
}

const programOf = command => join(process.cwd(), 'bin', `${command}.cjs`);

/** Options of Node in the `#!` line. The code cache counts only for the same ones. */
function ownFlags(command) {
  const [first = ''] = readFileSync(programOf(command), 'utf8').split('\n', 1);
  return first.split(' ').filter(word => word.startsWith('--') && word !== '--');
}

function run(command, words, { flags = [], ...options }) {
  const argv = [...flags, programOf(command), ...words];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', ...options });
}

/** Also without the flags: some start it by `node FILE`. */
function runBothWays(command, words, wanted, options) {
  const [own, none] = [ownFlags(command), []];
  for (const flags of own.length > 0 ? [own, none] : [none]) {
    const { status, stderr } = run(command, words, { flags, ...options });
    if (status !== wanted) throw new Error(`${command} ${words} ended with ${status}: ${stderr}`);
  }
}

/** V8 tells a cache of other sources by their length only. */
function dropCaches(name) {
  for (const end of ['cache', 'seed.cache']) rmSync(join('dist', `${name}.${end}`), { force: true });
}

/** A run in a copy of the project `from` fills the caches of `bundles` with what a run uses, and no more. */
function warmUpIn({ command, bundles, from, code }) {
  const cwd = mkdtempSync(join(tmpdir(), 'warm-up-'));
  cpSync(from, cwd, { recursive: true });
  for (const name of bundles) dropCaches(name);
  runBothWays(command, [], code, { cwd, env: clean({ SUITE_CODE_CACHE: 'used' }) });
  rmSync(cwd, { recursive: true, force: true });
}

function copyAssets() {
  for (const [source, target] of Object.entries(suite.assets ?? {})) {
    mkdirSync('dist', { recursive: true });
    const from = existsSync(source) ? source : join('..', source);
    cpSync(from, join('dist', target), { recursive: true });
  }
}

const usesKoffi = name => readFileSync(join('dist', `${name}.cjs`), 'utf8').includes('koffi.node');

/** Its binary beside the bundles; see shared/src/linux/native.ts. */
function copyKoffi() {
  const require = createRequire(import.meta.url);
  require('koffi');
  const binary = Object.keys(require.cache).find(file => basename(file) === 'koffi.node');
  if (binary === undefined) throw new Error('koffi has loaded no koffi.node');
  copyFileSync(binary, 'dist/koffi.node', constants.COPYFILE_FICLONE);
}

const bundles = Object.entries(suite.entries ?? {});
await Promise.all(bundles.map(([name, source]) => build(options(name, source))));
copyAssets();
rmSync('dist/koffi.node', { force: true });
if (bundles.some(([name]) => usesKoffi(name))) copyKoffi();
for (const [name] of bundles) dropCaches(name);
const commands = Object.values(manifest.bin ?? {}).map(file => basename(file, '.cjs'));
for (const command of commands.filter(name => name in (suite.entries ?? {})))
  runBothWays(command, ['--help'], 0, { env: clean() });
if (suite.warmUp !== undefined) warmUpIn(suite.warmUp);
