// What a fresh machine needs before anything of ours runs: Node, npm packages, Debian packages, the build.
// Plain JavaScript without dependencies: it runs before `npm ci` did. Looks first and changes nothing when it must refuse.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
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
  throw new SetupError(`Node ${NODE_MIN.join('.')} or newer is needed, this is ${process.versions.node}`);
}

/** `quiet`: what it prints is shown only when it fails. */
function run(program, args, why, quiet = false) {
  say(`• ${why}: ${program} ${args.join(' ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', TURBO_TELEMETRY_DISABLED: '1' };
  const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2];
  const done = spawnSync(program, args, { cwd: ROOT, env: environment, stdio, encoding: 'utf8' });
  if (done.status === 0) return;
  if (quiet) say(`${done.stdout}${done.stderr}`);
  const reason = done.error?.message ?? `exit code ${done.status ?? done.signal}`;
  throw new SetupError(
    `"${program} ${args.join(' ')}" failed (${reason}): ${why} is needed before anything can run`,
  );
}

function checkSystem(needs, needsRoot, again) {
  const missing = missingPackages(needs);
  const root = process.getuid?.() === 0;
  const install = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!root && (missing.length > 0 || needsRoot)) {
    const command = missing.length > 0 ? `sudo sh -c '${install} && ${again}'` : `sudo ${again}`;
    const why =
      missing.length > 0
        ? `these Debian packages are missing: ${missing.join(' ')}`
        : 'it makes namespaces, mounts and cgroups';
    throw new SetupError(
      `this needs an administrator: ${why}.\nRun, in ${ROOT}:\n\n    ${command}\n\nNothing was changed.`,
    );
  }
  if (missing.length === 0) return;
  if (!onPath('apt-get'))
    throw new SetupError(`missing programs, and no apt-get here; install: ${missing.join(' ')}`);
  run('apt-get', ['update', '-q'], 'the package lists');
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], 'system tools');
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
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], 'npm packages');
}

function build() {
  run(
    'npx',
    ['--no-install', 'turbo', 'run', 'build', '--output-logs=errors-only', '--log-prefix=none'],
    'the build',
    true,
  );
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
