// Tells what has changed in the project. The kernel's events only say when to look: what counts is the difference between two
// looks, so nothing is missed when events get lost or a directory is filled before it is watched.
import { type FSWatcher, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { WATCH_POLL_MS, WATCH_QUIET_MS } from '../../config/defaults.ts';
import { difference, type Snapshot, takeSnapshot } from './tree.ts';

export interface WatchOptions {
  /** Absolute path of the project. */
  readonly root: string;
  /** Relative to it. */
  readonly paths: readonly string[];
  readonly isIgnored: (path: string) => boolean;
  readonly changed: (paths: readonly string[]) => void;
  /** Said once when the kernel cannot watch so much. */
  readonly warn: (text: string) => void;
  /** True: do not ask the kernel at all. */
  readonly poll?: boolean;
}

export class FileWatcher {
  readonly #options: WatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Files that events have named since the last look: a second edit in one tick of the clock looks the same. */
  readonly #named = new Set<string>();
  #entered = new Set<string>();
  #snapshot: Snapshot;
  #timer: NodeJS.Timeout | undefined;
  /** Of the events since the last look. */
  #firstMs: number | undefined;
  #polling: NodeJS.Timeout | undefined;

  /** From now on changes are told. Throws RangeError when there are too many files. */
  constructor(options: WatchOptions) {
    this.#options = options;
    if (options.poll) this.#startPolling();
    this.#snapshot = this.#look();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#polling);
    for (const watcher of this.#watchers.values()) watcher.close();
  }

  #look(): Snapshot {
    const { root, paths, isIgnored } = this.#options;
    this.#entered = new Set();
    // A file is often replaced by another of its name, which its directory tells.
    for (const path of paths) if (path !== '.') this.#enter(dirname(path));
    const snapshot = takeSnapshot({ root, paths, isIgnored, entering: path => this.#enter(path) });
    for (const [path, watcher] of this.#watchers) {
      if (this.#entered.has(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    return snapshot;
  }

  #enter(path: string): void {
    this.#entered.add(path);
    if (this.#watchers.has(path) || this.#polling !== undefined) return;
    try {
      const watcher = watch(join(this.#options.root, path), (_, name) => this.#event(path, name));
      watcher.on('error', () => this.#drop(path));
      this.#watchers.set(path, watcher);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EMFILE') this.#giveUp(code);
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
    this.#soon();
  }

  #giveUp(code: string): void {
    this.#options.warn(
      `the kernel watches no more directories (${code}): files are looked at every ${WATCH_POLL_MS / 1000} s. More: sysctl fs.inotify.max_user_watches=524288`,
    );
    this.#startPolling();
  }

  #startPolling(): void {
    this.#polling ??= setInterval(() => this.#compare(), WATCH_POLL_MS);
  }

  #event(directory: string, name: string | null): void {
    if (name !== null) this.#named.add(directory === '.' ? name : `${directory}/${name}`);
    this.#soon();
  }

  /** When it has been quiet for a while; with events that never end, from time to time. */
  #soon(): void {
    this.#firstMs ??= performance.now();
    if (this.#timer !== undefined && performance.now() - this.#firstMs > WATCH_POLL_MS) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#firstMs = undefined;
      this.#compare();
    }, WATCH_QUIET_MS);
  }

  #compare(): void {
    const before = this.#snapshot;
    const named = [...this.#named];
    this.#named.clear();
    this.#snapshot = this.#look();
    const isFile = (path: string) => (this.#snapshot.get(path) ?? 'directory') !== 'directory';
    const changed = new Set([...difference(before, this.#snapshot), ...named.filter(isFile)]);
    if (changed.size > 0) this.#options.changed([...changed].sort());
  }
}
