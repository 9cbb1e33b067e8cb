// Mixins: further files whose entries lie below those of the file that names them. A bad one is skipped with a warning.
import { mergeNames } from './by-name.ts';
import { LOCAL_MIXINS, MIXINS_MAX } from './defaults.ts';
import { formatErrors } from './errors.ts';
import type { Project } from './model.ts';
import { type ConfigFile, directoryOf, isPlain, isTooOld, type ReadFile, readConfig } from './read-config.ts';

/** Whole entries; `over` keeps what both have. */
function merge(over: Project, under: Project): Project {
  return {
    ...over,
    containers: mergeNames(under.containers, over.containers),
    commands: mergeNames(under.commands, over.commands),
  };
}

const NOTHING: Project = { containers: {}, commands: {} };

export class Mixins {
  readonly warnings: string[] = [];
  readonly #read: ReadFile;
  #count = 0;

  constructor(read: ReadFile) {
    this.#read = read;
  }

  /** Local mixins beside `file` (in `directory`) lie between it and the mixins it names. */
  complete(file: string, config: ConfigFile, directory: string): Project {
    const named = this.#named(file, config, [file]);
    return merge(config.project, merge(this.#local(directory), named));
  }

  /** Later ones win over earlier ones, each over the mixins it names itself. */
  #named(file: string, { mixins }: ConfigFile, chain: readonly string[]): Project {
    return mixins.reduce((under, path) => {
      const mixin = `${directoryOf(file)}/${path}`;
      return merge(isPlain(path) ? this.#mixin(mixin, chain) : this.#notPlain(path), under);
    }, NOTHING);
  }

  #notPlain(path: string): Project {
    return this.#skip(`${JSON.stringify(path)}: a mixin is named without a leading / or ./ and without ..`);
  }

  #mixin(file: string, chain: readonly string[]): Project {
    if (chain.includes(file)) return this.#skip(`${[...chain, file].join(' -> ')}: mixins go round`);
    if (++this.#count > MIXINS_MAX) return this.#skip(`${file}: more than ${MIXINS_MAX} mixins`);
    const text = this.#read(file);
    if (typeof text !== 'string')
      return this.#skip(`${file}: Error reading file: ${text?.error ?? 'it does not exist'}`);
    const config = readConfig(file, text, this.#read);
    if (config.ok) return merge(config.value.project, this.#named(file, config.value, [...chain, file]));
    const errors = isTooOld(config.errors) ? config.errors.slice(0, 1) : config.errors;
    return this.#skip(formatErrors(errors).trimEnd());
  }

  #skip(reason: string): Project {
    // After the thousandth nobody learns anything new.
    if (this.#count <= MIXINS_MAX + 1)
      this.warnings.push(`Skipping mixin because of error. Error: ${reason}`);
    return NOTHING;
  }

  #local(directory: string): Project {
    return LOCAL_MIXINS.map(name => `${directory}/${name}`)
      .filter(file => this.#read(file) !== undefined)
      .reduce((under, file) => merge(this.#mixin(file, []), under), NOTHING);
  }
}
