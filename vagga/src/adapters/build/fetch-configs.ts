// Before identities can be known: repositories whose config a `!SubConfig` step names, also through configs that were fetched.
import { mkdirSync } from 'node:fs';
import type { Progress } from '@suite/shared/cli/progress.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import type { Container, Step } from '../../config/model.ts';
import { containerDependencies } from '../../config/references.ts';
import type { HashWorld } from '../../core/image/emit.ts';
import { checkoutProblem } from '../../core/steps/git.ts';
import type { Checkout } from '../../core/steps/git-actions.ts';
import { pinnedConfig, pinOf } from '../git/config-source.ts';
import { mirrored, mirrorLock } from '../git/mirror.ts';
import { type Git, hostGit } from '../git/program.ts';
import { DiskWorld } from '../image/hash-world.ts';
import type { Layout } from '../image/layout.ts';
import { type Cache, cachedHash } from '../project/cache.ts';
import { noteWarning } from '../run/log.ts';
import { lockedCache } from './lock.ts';

export interface FetchOptions {
  /** Asks also for those that are there. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

const NO_GIT = 'git is needed for it: apt-get install -y git';

class ConfigFetcher {
  readonly #layout: Layout;
  readonly #cache: Cache;
  readonly #options: FetchOptions;
  readonly #world: HashWorld;
  readonly #met = new Set<Container>();
  readonly #asked = new Set<string>();

  constructor(layout: Layout, cache: Cache, options: FetchOptions) {
    this.#layout = layout;
    this.#cache = cache;
    this.#options = options;
    this.#world = new DiskWorld(layout, cache.project);
  }

  async named(names: readonly string[]): Promise<string | undefined> {
    for (const name of names) {
      const container = this.#cache.project.containers[name];
      const isKnown = !this.#options.force && cachedHash(this.#cache, name) !== undefined;
      const problem = container === undefined || isKnown ? undefined : await this.#container(container);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  async #container(container: Container): Promise<string | undefined> {
    if (this.#met.has(container)) return undefined;
    this.#met.add(container);
    for (const step of container.setup.filter(({ tag }) => tag === 'SubConfig')) {
      const problem = await this.#subConfig(step);
      if (problem !== undefined) return problem;
    }
    return await this.named(containerDependencies(container));
  }

  async #subConfig(step: Step): Promise<string | undefined> {
    const { source } = step.value as unknown as { source: { tag: string; value: Checkout } };
    if (source.tag === 'Container') return undefined;
    const problem = source.tag === 'Git' ? await this.#fetched(source.value) : undefined;
    if (problem !== undefined)
      return `${step.file}:${step.line}:${step.column}: error: the config of !SubConfig: ${problem}`;
    const other = this.#world.otherContainer(step.value);
    return other.kind === 'found' ? await this.#container(other.container) : undefined;
  }

  /** Without the server what is known goes on to hold, with a warning. */
  async #fetched(wanted: Checkout): Promise<string | undefined> {
    const problem = checkoutProblem(wanted);
    if (problem !== undefined) return problem;
    const key = `${wanted.url} ${pinOf(wanted)}`;
    const isThere = pinnedConfig(this.#layout, wanted) !== undefined;
    if (this.#asked.has(key) || (isThere && !this.#options.force)) return undefined;
    this.#asked.add(key);
    const failed = await this.#fetch(wanted);
    if (failed === undefined || !isThere || this.#options.signal.aborted) return failed;
    const text = `${failed} Going on with what was fetched before.`;
    noteWarning(this.#options.progress, 'vagga::wrapper::build', text, `Warning: ${text}`);
    return undefined;
  }

  async #fetch(wanted: Checkout): Promise<string | undefined> {
    const program = findProgram('git');
    if (program === undefined) return NO_GIT;
    const directory = this.#layout.cache('.');
    const git = this.#git(program);
    const shown = this.#options.progress.start(`config from ${wanted.url}`);
    const failed = await lockedCache(directory, mirrorLock(wanted.url), this.#options.signal, () =>
      pin(git, wanted),
    );
    if (failed === undefined) shown.done('fetched');
    else shown.failed(failed);
    return failed === undefined ? undefined : `${wanted.url} cannot be fetched: ${failed}.`;
  }

  #git(program: string): Git {
    const { settings } = this.#cache;
    const cache = this.#layout.cache('git');
    mkdirSync(cache, { recursive: true });
    return hostGit(
      {
        cache,
        project: this.#layout.root,
        settings,
        signal: this.#options.signal,
        inImage: path => path,
        log: () => {},
      },
      program,
    );
  }
}

async function pin(git: Git, wanted: Checkout): Promise<string | undefined> {
  try {
    const { mirror, commit } = await mirrored(git, wanted);
    await git.run(['--git-dir', mirror, 'update-ref', pinOf(wanted), commit]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why the identities of `names` cannot be known, with the place in the config. */
export async function fetchConfigs(
  layout: Layout,
  cache: Cache,
  names: readonly string[],
  options: FetchOptions,
): Promise<string | undefined> {
  return await new ConfigFetcher(layout, cache, options).named(names);
}
