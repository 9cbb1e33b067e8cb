// `watch` rules of supervised children: changes start them again or are copied into their containers.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchRule } from '../../config/model.ts';
import { below, hits, isIgnored } from '../../core/watch/rules.ts';
import { isListening } from '../oci/listening.ts';
import { programPid } from '../oci/processes.ts';
import type { Output } from '../supervise/output.ts';
import type { Supervisor } from '../supervise/supervisor.ts';
import { syncFile } from './sync.ts';
import { FileWatcher } from './watcher.ts';

export interface FollowOptions {
  /** Absolute path of the project. */
  readonly root: string;
  /** By child. */
  readonly rules: Readonly<Record<string, readonly WatchRule[]>>;
  readonly poll: boolean;
}

/** A container that is being started is soon there; one that is not is not waited for long. */
const STARTING_MS = 10_000;
const POLL_MS = 50;

/** A process in the container of the child, when its root is really that of the container. */
async function processIn(supervisor: Supervisor, name: string): Promise<number | undefined> {
  const endMs = performance.now() + STARTING_MS;
  while (performance.now() < endMs) {
    const prepared = supervisor.process(name)?.prepared;
    if (prepared !== undefined) {
      const pid = programPid(prepared.bundle.id, prepared.hasInit);
      if (pid !== undefined && (!prepared.hasInit || isListening(prepared.bundle.id))) return pid;
    }
    await sleep(POLL_MS);
  }
  return undefined;
}

async function sync(
  supervisor: Supervisor,
  name: string,
  root: string,
  rule: WatchRule,
  paths: readonly string[],
): Promise<number> {
  const pid = await processIn(supervisor, name);
  if (pid === undefined) return 0;
  for (const path of paths)
    syncFile(pid, join(root, path), join(rule.target ?? '/', below(rule, path) ?? ''));
  return paths.length;
}

class Follower {
  readonly #supervisor: Supervisor;
  readonly #output: Output;
  readonly #options: FollowOptions;

  constructor(supervisor: Supervisor, output: Output, options: FollowOptions) {
    this.#supervisor = supervisor;
    this.#output = output;
    this.#options = options;
  }

  changed(paths: readonly string[]): void {
    const restarted = Object.entries(this.#options.rules).flatMap(([name, rules]) => {
      const found = rules
        .map(rule => ({ rule, paths: hits(rule, paths) }))
        .filter(hit => hit.paths.length > 0);
      for (const { rule, paths: own } of found) if (rule.action === 'sync') void this.#sync(name, rule, own);
      return found.some(({ rule }) => rule.action === 'restart') ? [name] : [];
    });
    if (restarted.length === 0) return;
    this.#output.say('stderr', `[watch] ${paths[0]} changed: starting ${restarted.join(', ')} again`);
    this.#supervisor.dispatch({ kind: 'restart', names: restarted });
  }

  async #sync(name: string, rule: WatchRule, paths: readonly string[]): Promise<void> {
    try {
      const count = await sync(this.#supervisor, name, this.#options.root, rule, paths);
      if (count > 0) this.#output.say('stderr', `[watch] ${count} files copied into ${name}`);
    } catch (error) {
      this.#output.say('stderr', `[watch] not copied into ${name}: ${(error as Error).message}`);
    }
  }
}

/** Returns what ends it. Throws RangeError when there are too many files. */
export function followFiles(supervisor: Supervisor, output: Output, options: FollowOptions): () => void {
  const all = Object.values(options.rules).flat();
  const follower = new Follower(supervisor, output, options);
  const watcher = new FileWatcher({
    root: options.root,
    paths: all.map(({ path }) => path.replace(/\/+$/, '') || '.'),
    isIgnored: path => all.every(rule => isIgnored(rule, path)),
    changed: paths => follower.changed(paths),
    warn: text => output.say('stderr', `Warning: ${text}`),
    poll: options.poll,
  });
  return () => watcher.close();
}
