'use strict';
// Starts one bundled command with our own V8 code cache: 38 → 28 ms for a vagga-like command.
// The build writes `dist/NAME.cjs` and, after one warm run, `dist/NAME.cache`. V8 rejects a cache that another
// Node version made; it is then written anew when the directory is writable. `SUITE_CODE_CACHE=used` is the build's way to a cache
// of only what its warm run reached: of a big bundle, reading everything takes 7 ms longer than compiling the rest when needed.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

/**
 * Set by `#!` lines of commands where 2.5 ms count: each start of Node else looks for primes to seed its hashes, and hashes what it
 * has in memory anew. Not for servers: who knows the seed can make their tables slow.
 */
const FIXED_SEED = '--no-rehash-snapshot';
const unsaved = [];
let hasFixedSeed = process.execArgv.includes(FIXED_SEED);

/** Of Node's modules those that are not loaded yet come three times quicker under the flags of its own code cache. */
function usualFlags() {
  if (!hasFixedSeed) return;
  saveAll();
  setFlag('--rehash-snapshot');
  hasFixedSeed = false;
}

/** `node:v8` itself would take 4 ms now. */
function setFlag(flag) {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    process.binding('v8').setFlagsFromString(flag);
  } catch {
    require('node:v8').setFlagsFromString(flag);
  } finally {
    process.noDeprecation = noDeprecation;
  }
}

function read(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

function notBuilt(file, name) {
  process.stderr.write(`${name}: ${file} is missing: run "npm run build" in the checkout\n`);
  process.exit(127);
}

/** `binDir` = directory of the calling bin file, `name` = command; runs `<package>/dist/<name>.cjs`. */
function launch(binDir, name) {
  const file = path.join(binDir, '..', 'dist', `${name}.cjs`);
  const source = read(file);
  if (source === undefined) notBuilt(file, name);
  const cacheFile = `${file.slice(0, -4)}${hasFixedSeed ? '.seed' : ''}.cache`;
  const cachedData = read(cacheFile);
  const text = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  const isWhole = cachedData === undefined && process.env.SUITE_CODE_CACHE !== 'used';
  const script = isWhole ? compileWhole(text, file) : compile(text, file, cachedData);
  if (cachedData === undefined || script.cachedDataRejected) saveLater(script, cacheFile);
  const module = { exports: {}, filename: file };
  const run = script.runInThisContext();
  run(module.exports, requireFor(file), module, file, path.dirname(file));
}

/** Most bundles ask for nothing but what Node has itself; finding packages takes a fifth of a millisecond to prepare. */
function requireFor(file) {
  let findsPackages;
  return name => {
    if (name.startsWith('node:')) return require(name);
    findsPackages ??= require('node:module').createRequire(file);
    return findsPackages(name);
  };
}

function compile(text, filename, cachedData) {
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return new vm.Script(text, { filename, cachedData, importModuleDynamically });
}

/** Every function at once, so that the cache also holds what this run does not reach; the flag is part of the cache's key, so it goes back. */
function compileWhole(text, filename) {
  const v8 = require('node:v8');
  v8.setFlagsFromString('--no-lazy');
  const script = compile(text, filename);
  v8.setFlagsFromString('--lazy');
  return script;
}

/** When the command ends, so that a cache holds what this run compiled lazily; before other flags, because they are part of its key. */
function saveLater(script, cacheFile) {
  if (unsaved.length === 0) process.once('exit', saveAll);
  unsaved.push([script, cacheFile]);
}

function saveAll() {
  for (const [script, cacheFile] of unsaved.splice(0)) save(script, cacheFile);
}

function save(script, cacheFile) {
  const temporary = `${cacheFile}.${process.pid}`;
  try {
    fs.writeFileSync(temporary, script.createCachedData());
    fs.renameSync(temporary, cacheFile);
  } catch {
    // A read-only install starts a little slower, nothing more.
  }
}

module.exports = { launch, usualFlags };
