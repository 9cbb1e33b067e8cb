// What a fresh machine needs before anything of ours runs: Node, npm packages, Debian packages, the build.
// Plain JavaScript without dependencies: it runs before `npm ci` did. Looks first and changes nothing when it must refuse.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SYSTEM_PACKAGES } from './packages.mjs';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const NODE_MIN = [20, 20];

/** Thrown for a condition the user has to mend; printed without a stack, exit code 2. */
export class SetupError extends Error {}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function onPath(program) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.some(directory => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian packages for `needs` (group names of packages.mjs) whose programs or files are absent. */
export function missingPackages(needs) {
  const wanted = SYSTEM_PACKAGES.filter(entry => needs.some(need => entry.groups.includes(need)));
  return wanted
    .filter(entry => !(entry.file ? existsSync(entry.file) : onPath(entry.program)))
    .map(entry => entry.package);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new SetupError(
    `Node ${NODE_MIN.join('.')} or newer is needed, this is ${process.versions.node} (${process.execPath}).\n` +
      "Debian 12's own package is too old: install one from nodejs.org, and see that it comes first in PATH.",
  );
}

/** `hint`: what to look at when it fails. `quiet`: what it prints is shown only when it fails. */
function run(program, args, why, hint, quiet = false) {
  say(`• ${why}: ${program} ${args.join(' ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', TURBO_TELEMETRY_DISABLED: '1' };
  const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2];
  const done = spawnSync(program, args, { cwd: ROOT, env: environment, stdio, encoding: 'utf8' });
  if (done.status === 0) return;
  if (quiet) say(`${done.stdout}${done.stderr}`);
  const reason =
    done.error?.message ?? (done.signal ? `ended by ${done.signal}` : `exit code ${done.status}`);
  throw new SetupError(
    `${why} failed: "${program} ${args.join(' ')}" (${reason}).\n${hint} Then start again: what is done already is kept.`,
  );
}

function checkSystem(needs, needsRoot, again) {
  const missing = missingPackages(needs);
  const root = process.getuid?.() === 0;
  const command = asRoot(again);
  const install = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!root && (missing.length > 0 || needsRoot)) {
    const whole = missing.length > 0 ? `sudo sh -c '${install}' && ${command}` : command;
    const why =
      missing.length > 0
        ? `these Debian packages are missing: ${missing.join(' ')}`
        : 'it makes namespaces, mounts and cgroups';
    throw new SetupError(
      `this needs an administrator: ${why}.\nRun, in ${ROOT}:\n\n    ${whole}\n\nNothing was changed.`,
    );
  }
  if (missing.length === 0) return;
  if (!onPath('apt-get'))
    throw new SetupError(`missing programs, and no apt-get here; install: ${missing.join(' ')}`);
  const hint = 'Are the network and the apt sources of this machine right?';
  run('apt-get', ['update', '-q'], 'fetching the package lists', hint);
  // A fresh machine is often still upgrading itself: wait for its lock.
  const options = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300', '--no-install-recommends'];
  run('apt-get', ['install', ...options, ...missing], 'installing system tools', hint);
}

/** sudo has a PATH of its own: without ours it would not find a Node that is not from a package. */
function asRoot(command) {
  const isInstalled = ['/usr/bin/', '/usr/local/bin/'].some(place => process.execPath.startsWith(place));
  return isInstalled ? `sudo ${command}` : `sudo env "PATH=$PATH" ${command}`;
}

/** npm writes this file last, so it is older than the lock file exactly when packages are out of date. */
function packagesAreFresh() {
  try {
    return (
      statSync(join(ROOT, 'node_modules/.package-lock.json')).mtimeMs >=
      statSync(join(ROOT, 'package-lock.json')).mtimeMs
    );
  } catch {
    return false;
  }
}

function installPackages() {
  if (packagesAreFresh()) return;
  // Not `npm ci`: it refuses a lock file without the optional packages of platforms that a registry does not carry.
  run(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    'installing npm packages',
    'Are the network and the npm registry reachable?',
  );
}

function build() {
  run(
    'npx',
    ['--no-install', 'turbo', 'run', 'build', '--output-logs=errors-only', '--log-prefix=none'],
    'building',
    'The output above says why; after a change of branches, `rm -rf node_modules` helps most often.',
    true,
  );
}

function isBuilt(name) {
  const { suite } = JSON.parse(readFileSync(join(ROOT, name, 'package.json'), 'utf8'));
  return Object.keys(suite.entries).every(entry => existsSync(join(ROOT, name, 'dist', `${entry}.cjs`)));
}

/** Bundles that tests load, where nobody has built them. Only with Node: in a container nothing else is there. */
export function buildMissing() {
  for (const name of ['vagga', 'lithos', 'cantal', 'verwalter'].filter(each => !isBuilt(each))) {
    say(`• building ${name}`);
    const options = { cwd: join(ROOT, name), stdio: 'inherit' };
    const { status } = spawnSync(process.execPath, ['../deploy/build/package.mjs'], options);
    if (status !== 0) process.exit(2);
  }
}

/**
 * `needs`: package groups; `needsRoot`: the command itself needs root; `again`: what the user typed.
 * Ends the process with code 2 and the exact command to run when something must be done by an administrator.
 */
export async function prepare({ needs, needsRoot = false, again = 'npm test', build: wanted = false }) {
  try {
    checkNode();
    checkSystem(needs, needsRoot, again);
    installPackages();
    if (wanted) build();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`\n${error.message}`);
    process.exit(2);
  }
}

/** The entry of a built bundle, for the scripts beside this file. */
export function bundle(name) {
  return join(ROOT, 'deploy/dist', `${name}.cjs`);
}
