// What a command line may look like: one table per command, from which parsing, usage, help and completion come (§4.1).

export interface OptionSpec {
  /** All spellings, in the order in which help shows them. */
  readonly names: readonly string[];
  /** Name of the option in the result. */
  readonly key: string;
  /** `many`: every following word up to the next one that starts with a dash. */
  readonly takes: 'nothing' | 'one' | 'many';
  /** Default: the longest long name in upper case. */
  readonly metavar?: string;
  readonly help: string;
  /** May be given again; only completion looks at it. */
  readonly repeats?: boolean;
  /** Ends parsing at once, like `--version`. */
  readonly immediate?: boolean;
  /** Accepted, and not shown in help. */
  readonly hidden?: boolean;
}

export interface PositionalSpec {
  readonly name: string;
  /** `list!`: shown as a list that is required; that it is empty is for the command to say. */
  readonly takes: 'optional' | 'required' | 'list' | 'list!';
  readonly help?: string;
  /** What completion offers for it. */
  readonly completes?: 'containers' | 'commands';
}

export interface CommandLineSpec {
  /** As errors name it: `vagga`, `vagga _run`. */
  readonly name: string;
  readonly description?: string;
  readonly options: readonly OptionSpec[];
  readonly positionals: readonly PositionalSpec[];
  /** The first positional word and all that follow belong to somebody else, dashes and all. */
  readonly stopsAtWord?: boolean;
  /** Shown below the options. */
  readonly epilogue?: string;
}

export const HELP_OPTION: OptionSpec = {
  names: ['-h', '--help'],
  key: 'help',
  takes: 'nothing',
  help: 'Show this help message and exit',
  immediate: true,
};

export function flag(
  key: string,
  names: readonly string[],
  help: string,
  more: Partial<OptionSpec> = {},
): OptionSpec {
  return { names, key, takes: 'nothing', help, ...more };
}

export function valued(
  key: string,
  names: readonly string[],
  metavar: string,
  help: string,
  more: Partial<OptionSpec> = {},
): OptionSpec {
  return { names, key, takes: 'one', metavar, help, ...more };
}
