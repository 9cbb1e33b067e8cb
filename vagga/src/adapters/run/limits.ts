// Cgroups for commands with limits: the engine is started inside of one, so whatever it starts is limited too.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMounts, cgroupPathsOfProcess } from '@suite/shared/linux/cgroup.ts';
import { flatKey, ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { type LimitFile, type Limits, limitFiles } from '../../core/run/limits.ts';
import { makeUnified, NoCgroup, OWN_SCOPE, read } from './unified-cgroup.ts';

type Controller = LimitFile['controller'];

export interface Limited {
  /** Before the command line of the engine. */
  readonly words: readonly string[];
  /** How often the kernel has ended a process for memory. */
  oomKills(): number;
  remove(): void;
}

/** Moves itself into every cgroup named before `--`, then becomes the program. */
const ENTER =
  'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 121; shift; done; shift; exec "$@"';

class Cgroups {
  readonly #mounts: CgroupMounts = ownCgroupMounts();
  readonly #own = cgroupPathsOfProcess(this.#mounts, readFileSync('/proc/self/cgroup', 'utf8'));
  readonly #made = new Map<string, string>();
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  versionOf(controller: Controller): 1 | 2 {
    return this.#mounts.controllers.has(controller) ? 1 : 2;
  }

  /** Throws what the kernel says. */
  make(controllers: readonly Controller[]): void {
    const unified = controllers.filter(controller => this.versionOf(controller) === 2);
    for (const controller of controllers.filter(name => !unified.includes(name))) {
      const directory = join(this.#own.get(controller) ?? '', this.#name);
      if (![...this.#made.values()].includes(directory) && !existsSync(directory)) mkdirSync(directory);
      this.#made.set(controller, directory);
    }
    if (unified.length > 0) this.#makeUnified(unified);
  }

  #makeUnified(controllers: readonly Controller[]): void {
    const [top, own] = [this.#mounts.unified?.mountPoint ?? '', this.#own.get('unified') ?? ''];
    const made = makeUnified({ top, own, name: this.#name, controllers });
    for (const controller of controllers) this.#made.set(controller, made);
  }

  write({ controller, name, text, optional = false }: LimitFile): void {
    const path = join(this.#made.get(controller) ?? '', name);
    if (optional && !existsSync(path)) return;
    writeFileSync(path, text);
  }

  get directories(): readonly string[] {
    return [...new Set(this.#made.values())];
  }

  oomKills(): number {
    const directory = this.#made.get('memory');
    if (directory === undefined) return 0;
    const text = read(join(directory, 'memory.events')) || read(join(directory, 'memory.oom_control'));
    return flatKey(text, 'oom_kill') ?? 0;
  }

  remove(): void {
    for (const directory of this.directories) {
      try {
        rmdirSync(directory);
      } catch {
        // Somebody is still in it: the next start of this name would find it, and names are not used twice.
      }
    }
  }
}

/** There are no limits here, and what the user can do about it. */
export interface Unlimited {
  readonly problem: string;
  readonly hint: string;
}

/** `name`: unique on this machine. */
export function enterLimits(name: string, limits: Limits): Limited | Unlimited {
  let cgroups: Cgroups | undefined;
  try {
    cgroups = new Cgroups(name);
    const files = limitFiles(limits, controller => (cgroups as Cgroups).versionOf(controller));
    cgroups.make([...new Set(files.map(({ controller }) => controller))]);
    for (const file of files) cgroups.write(file);
  } catch (error) {
    cgroups?.remove();
    return { problem: (error as Error).message, hint: error instanceof NoCgroup ? error.hint : OWN_SCOPE };
  }
  const made = cgroups;
  return {
    words: ['sh', '-c', ENTER, 'sh', ...made.directories, '--'],
    oomKills: () => made.oomKills(),
    remove: () => made.remove(),
  };
}
