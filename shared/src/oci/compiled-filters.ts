// crun compiles the seccomp list of every container into the same filter, for a millisecond, and leaves it in the state
// directory of the container as `seccomp.bpf`. With an annotation it takes the filter as it is instead (crun(1)). The filter
// of one container is so used for the later ones with the same list; that it really was is looked at each time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciRuntime } from './runtime.ts';

const ANNOTATION = 'run.oci.seccomp_bpf_data';
/** Lists differ by capabilities only: a host has a handful. */
const MAX_LISTS = 64;
/** linux/bpf_common.h: instructions of 8 bytes, at most 4096 of them. */
const MAX_BYTES = 8 * 4096;

interface Config {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: { readonly seccomp?: object };
}

/** Which list a container was made with, and the filter it was given for it. */
export interface FilterUse {
  readonly list: string;
  readonly filter: string | undefined;
}

export class CompiledFilters {
  readonly #runtime: OciRuntime;
  /** As base64. The lists themselves are some kilobytes each: hundreds of instances share them. */
  readonly #filters = new Map<string, string | undefined>();
  #works: boolean;

  constructor(runtime: OciRuntime) {
    this.#runtime = runtime;
    this.#works = runtime.choice.kind !== 'runc';
  }

  /** The config.json of a bundle (`toOciConfig`), with the filter of its list if that is known. */
  apply(config: Config): { readonly config: object; readonly use: FilterUse | undefined } {
    const { seccomp } = config.linux ?? {};
    if (!this.#works || seccomp === undefined) return { config, use: undefined };
    const list = this.#shared(JSON.stringify(seccomp));
    const filter = this.#filters.get(list);
    const annotations = { ...config.annotations, ...(filter !== undefined && { [ANNOTATION]: filter }) };
    return { config: { ...config, annotations }, use: { list, filter } };
  }

  /**
   * Of a container that was created with it and does not run yet. Throws when its filter is not the one that was meant:
   * it must not be started; later ones are compiled again.
   */
  check(id: string, { list, filter }: FilterUse): void {
    const found = this.#filterOf(id);
    if (filter === undefined) {
      if (found !== undefined) this.#filters.set(list, found);
      return;
    }
    if (found === filter) return;
    this.#works = false;
    throw new Error(
      `${this.#runtime.choice.program} did not take the seccomp filter of an earlier container`,
    );
  }

  /** The same string for the same list. */
  #shared(list: string): string {
    if (!this.#filters.has(list) && this.#filters.size < MAX_LISTS) this.#filters.set(list, undefined);
    for (const known of this.#filters.keys()) if (known === list) return known;
    return list;
  }

  #filterOf(id: string): string | undefined {
    try {
      const filter = readFileSync(join(this.#runtime.stateRoot, id, 'seccomp.bpf'));
      return filter.length > 0 && filter.length <= MAX_BYTES && filter.length % 8 === 0
        ? filter.toString('base64')
        : undefined;
    } catch {
      return undefined;
    }
  }
}
