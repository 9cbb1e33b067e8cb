// Maps whose keys are names that users choose. They have no prototype: a command called `constructor` is there only if somebody wrote it.

export type ByName<T> = Readonly<Record<string, T>>;

/** The values of `map`, changed. */
export function mapValues<A, B>(map: ByName<A>, change: (value: A) => B): ByName<B> {
  const result: Record<string, B> = Object.create(null);
  for (const [key, value] of Object.entries(map)) result[key] = change(value);
  return result;
}

/** What both have is taken from `over`. */
export const mergeNames = <T>(under: ByName<T>, over: ByName<T>): ByName<T> =>
  Object.assign(Object.create(null), under, over);
