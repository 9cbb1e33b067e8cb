// `@{name}` in arguments and environment values of a container config.

/** Name → value. */
export type Values = ReadonlyMap<string, string>;

const REFERENCE = /@\{([^}]*)\}/g;

/** The pid of the program in a pid namespace of its own: PID 1 is the init that reaps for it. */
export const PID_IN_CONTAINER = '2';
export const PID_VARIABLE = '@{lithos:pid}';

export interface Expansion {
  readonly text: string;
  /** Names that have no value, each once. */
  readonly missing: readonly string[];
}

/** Replaces every reference once; results are not expanded again, an unterminated `@{` stays as it is. */
export function expand(text: string, values: Values): Expansion {
  const missing = new Set<string>();
  const expanded = text.replace(REFERENCE, (reference, inside: string) => {
    const value = values.get(inside.trim());
    if (value === undefined) missing.add(inside.trim());
    return value ?? reference;
  });
  return { text: expanded, missing: [...missing] };
}

/** Values every container has: its name, the path of its config; `lithos:pid` only as a whole environment value. */
export function builtins(instance: string, configPath: string): [string, string][] {
  return [
    ['lithos:name', instance],
    ['lithos:config_filename', configPath],
  ];
}

/** As `expand`, and knows `@{lithos:pid}`, which is undefined for a container that shares the host's pids. */
export function expandEnviron(text: string, values: Values, ownPids: boolean): Expansion {
  if (text === PID_VARIABLE && ownPids) return { text: PID_IN_CONTAINER, missing: [] };
  return expand(text, values);
}
