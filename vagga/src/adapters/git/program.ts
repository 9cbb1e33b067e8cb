// Runs git: that of the host, which knows the user's keys and proxies, else that of the image.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import type { Settings } from '../../config/settings-model.ts';
import type { BuildContext } from '../build/context.ts';
import { inRoot } from '../build/in-root.ts';
import { runInImage } from '../build/run-step.ts';
import { proxyVariables } from '../run/proxies.ts';

export interface Git {
  /** How git sees the cache of repositories and a path of the image. */
  readonly cache: string;
  /** What `/work` is for it. */
  readonly project: string;
  inImage(path: string): string;
  /** Trimmed stdout; throws what git said. stderr goes to the build's log. */
  run(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
}

/** The same result for everybody, whatever a user has configured; nothing asks questions. */
export const SETTINGS = [
  'safe.directory=*',
  'core.autocrlf=false',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'gc.auto=0',
  'advice.detachedHead=false',
].flatMap(setting => ['-c', setting]);

const STDOUT_MAX = 64 * 1024;
const STDERR_TAIL = 2000;

/** Variables of a git that started us (a hook, an alias) would send everything to its repository. */
const OF_ANOTHER_GIT =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_.*|PREFIX|NAMESPACE|QUARANTINE_.*)$/;

/**
 * In the user namespace of a build we are user 0, for whom ssh would look into another home: there it is told where the
 * user's files are. The agent needs nothing, it knows us by our real id.
 */
function sshCommand(env: NodeJS.ProcessEnv): string {
  const home = env.HOME ?? '';
  if (userInfo().homedir === home || home === '' || /[\s'"\\]/.test(home)) return 'ssh -o BatchMode=yes';
  const config = join(home, '.ssh/config');
  const keys = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map(name => join(home, '.ssh', name)).filter(existsSync);
  const options = [
    ...(existsSync(config) ? ['-F', config] : []),
    ...['-o', `UserKnownHostsFile=${join(home, '.ssh/known_hosts')}`],
    ...keys.flatMap(key => ['-i', key]),
  ];
  return ['ssh', '-o', 'BatchMode=yes', ...options].join(' ');
}

export function ownGitEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_ANOTHER_GIT.test(name)));
}

/** What git on the host works with. */
export interface HostPlace {
  /** Of repositories; it is there. */
  readonly cache: string;
  /** Of the project. */
  readonly project: string;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  inImage(path: string): string;
  /** Gets what git says on stderr. */
  log(data: Buffer): void;
}

function hostEnvironment(place: HostPlace): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...ownGitEnvironment(), ...proxyVariables(place) };
  return { GIT_SSH_COMMAND: sshCommand(env), ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

export function hostGit(place: HostPlace, program: string): Git {
  const environment = hostEnvironment(place);
  const { cache, project, inImage, signal } = place;
  return {
    cache,
    project,
    inImage,
    run: (words, env = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(program, [...SETTINGS, ...words], {
          env: { ...environment, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
          signal,
        });
        let output = '';
        let errors = '';
        child.stdout.on('data', chunk => {
          output = (output + chunk).slice(0, STDOUT_MAX);
        });
        child.stderr.on('data', chunk => {
          place.log(chunk);
          errors = (errors + chunk).slice(-STDERR_TAIL);
        });
        child.once('error', error => reject(signal.aborted ? new Error('was interrupted') : error));
        child.once('close', code => {
          if (code === 0) resolve(output.trim());
          else reject(new Error(`git ${words.find(word => /^[a-z]/.test(word))} failed: ${errors.trim()}`));
        });
      }),
  };
}

function placeOf(context: BuildContext): HostPlace {
  const { layout, settings, signal, root, log } = context;
  return {
    cache: context.cacheDirectory('git'),
    project: layout.root,
    settings,
    signal,
    inImage: path => inRoot(root, path),
    log: data => log.write(data),
  };
}

const CACHE_IN_IMAGE = '/tmp/.vagga-git';
const OUTPUT_FILE = 'git-output';

function imageGit(context: BuildContext, env: Readonly<Record<string, string>>): Git {
  const outputFile = join(context.directory, OUTPUT_FILE);
  context.cacheDirectory('git');
  return {
    cache: CACHE_IN_IMAGE,
    project: '/work',
    inImage: path => path,
    async run(words, more = {}) {
      const failed = await runInImage(context, {
        kind: 'run',
        argv: ['git', ...SETTINGS, ...words],
        env: { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...more },
        caches: { [CACHE_IN_IMAGE]: 'git' },
        outputFile: OUTPUT_FILE,
      });
      const output = readFileSync(outputFile, 'utf8');
      rmSync(outputFile);
      if (failed !== undefined) throw new Error(`git ${failed}`);
      return output.trim();
    },
  };
}

const HINT =
  'git is needed: install it on this machine (apt-get install -y git), or in the container with an !Install step before';

/** `env`: that of the step, for the git of the image. */
export function gitOf(context: BuildContext, env: Readonly<Record<string, string>>): Git {
  const program = findProgram('git');
  if (program !== undefined) return hostGit(placeOf(context), program);
  if (!existsSync(inRoot(context.root, '/usr/bin/git'))) throw new Error(HINT);
  return imageGit(context, env);
}
