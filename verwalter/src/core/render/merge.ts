/**
 * The variables of one role on one host (spec of upstream §4.1, in its documented order).
 *
 *     vars  <  roles.R  <  nodes.H.vars  <  nodes.H.roles.R        (weakest first)
 *
 * If the strongest source that has a key holds an object there, the objects of weaker sources are merged into it one
 * level down. Null and lists count as scalars: they hide everything weaker. A weaker scalar under an object is ignored.
 */

export type Variables = Record<string, unknown>;

function isObject(value: unknown): value is Variables {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function member(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) here = isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined;
  return here;
}

function mergeKey(values: readonly unknown[]): unknown {
  const strongest = values.at(-1);
  if (!isObject(strongest)) return strongest;
  return Object.assign(Object.create(null), ...values.filter(isObject)) as Variables;
}

/** Merges `sources`, weakest first; a source that is not an object counts as empty. Keys come out sorted. */
export function mergeVariables(sources: readonly unknown[]): Variables {
  const objects = sources.filter(isObject);
  const keys = [...new Set(objects.flatMap(source => Object.keys(source)))].sort();
  const merged: Variables = Object.create(null);
  for (const key of keys) {
    merged[key] = mergeKey(objects.filter(source => Object.hasOwn(source, key)).map(source => source[key]));
  }
  return merged;
}

/** The roles `schedule` gives to `host`, sorted by name. An unknown host has none. */
export function rolesOf(schedule: unknown, host: string): string[] {
  const roles = member(schedule, 'nodes', host, 'roles');
  return isObject(roles) ? Object.keys(roles).sort() : [];
}

/**
 * Variables of `role` on `host`. Adds `role` (always overwritten) and `node` (the host, only if absent); the apply step
 * adds `timestamp`, `deployment_id` and `verwalter_version`, which are no part of what decides "unchanged".
 */
export function roleVariables(schedule: unknown, host: string, role: string): Variables {
  const merged = mergeVariables([
    member(schedule, 'vars'),
    member(schedule, 'roles', role),
    member(schedule, 'nodes', host, 'vars'),
    member(schedule, 'nodes', host, 'roles', role),
  ]);
  if (!Object.hasOwn(merged, 'node')) merged.node = host;
  merged.role = role;
  return merged;
}
