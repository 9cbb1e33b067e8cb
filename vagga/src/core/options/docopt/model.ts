// What an `options` text means once it is read (§1.8 of the format).

export interface Option {
  /** With its dashes; at least one of the two names is there. */
  readonly long?: string;
  readonly short?: string;
  readonly takesValue: boolean;
  /** Has a line of its own, so `[options]` stands for it too. */
  readonly described: boolean;
  /** Three dots in its description: wherever it may come once, it may come often. */
  readonly unlimited: boolean;
  repeats: boolean;
  default?: string;
}

export type Pattern =
  | { readonly kind: 'alternatives'; readonly items: readonly Pattern[] }
  | { readonly kind: 'sequence'; readonly items: readonly Pattern[] }
  /** Each item may be absent on its own. */
  | { readonly kind: 'optional'; readonly items: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly item: Pattern }
  /** `[options]`: whatever is described. */
  | { readonly kind: 'options' }
  | { readonly kind: 'option'; readonly name: string }
  | { readonly kind: 'argument'; readonly name: string }
  | { readonly kind: 'word'; readonly name: string };

export interface Grammar {
  /** The text from `usage:` to the next blank line, trimmed. */
  readonly usageText: string;
  /** The whole text, trimmed. */
  readonly text: string;
  /** One per line of the usage section. */
  readonly usages: readonly Pattern[];
  readonly options: OptionTable;
  /** Arguments and words of all usages; true: several values are collected. */
  readonly positionals: ReadonlyMap<
    string,
    { readonly kind: 'argument' | 'word'; readonly repeats: boolean }
  >;
}

/** A text or a command line that cannot be understood; never leaves this folder as an exception. */
export class DocoptError extends Error {}

/** The long name, else the short one: what an option is known by. */
export function nameOf(option: Option): string {
  return option.long ?? option.short ?? '';
}

export function isArgument(word: string): boolean {
  return /^(?:<[^>]+>|\p{Lu}[\p{Lu}\p{Nd}_-]*)$/u.test(word);
}

export class OptionTable {
  readonly #byName = new Map<string, Option>();

  /** Either name leads to it. A name that is taken stays with its first owner: ours come after the user's. */
  add(option: Option): Option {
    for (const name of [option.long, option.short]) {
      if (name !== undefined && !this.#byName.has(name)) this.#byName.set(name, option);
    }
    return option;
  }

  find(name: string): Option | undefined {
    return this.#byName.get(name);
  }

  all(): readonly Option[] {
    return [...new Set(this.#byName.values())];
  }

  names(): readonly string[] {
    return [...this.#byName.keys()];
  }
}
