import { type CountResult, placeCounts } from './counts.ts';
import { place } from './place.ts';
import type { Amounts, PlacementHost, PlacementInstance, PlacementResult, Policy } from './types.ts';

/**
 * `verwalter.place{…}`: checks what a script handed over and calls the pure functions. Every mistake is an `Error` that names
 * the field; the sandbox turns it into a Lua error at the script's line.
 */

/** One call places at most so many instances: beyond, the answer would not fit the scheduler's time either. */
const MAX_INSTANCES = 200_000;
const POLICIES: Readonly<Record<string, Policy>> = {
  spread: 'spread',
  bestfit: 'bestfit',
  binpack: 'bestfit',
  roundrobin: 'roundrobin',
  epvm: 'epvm',
};
const FIELDS = new Set(['policy', 'hosts', 'instances', 'count', 'needs', 'previous', 'max_moves', 'start']);

type Table = Readonly<Record<string, unknown>>;

function fail(field: string, problem: string): never {
  throw new Error(`place: ${field} ${problem}`);
}

/** An empty Lua table arrives as `{}`, also where a list is meant. */
function list(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return [];
  return fail(field, 'must be a list');
}

function table(value: unknown, field: string): Table {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(field, 'must be a table');
  return value as Table;
}

function text(value: unknown, field: string): string {
  return typeof value === 'string' && value !== '' ? value : fail(field, 'must be a string');
}

function amount(value: unknown, field: string): number {
  return typeof value === 'number' && value >= 0 ? value : fail(field, 'must be a number, 0 or more');
}

function whole(value: unknown, field: string): number {
  const number = amount(value, field);
  return Number.isInteger(number) && number <= MAX_INSTANCES
    ? number
    : fail(field, `must be whole, at most ${MAX_INSTANCES}`);
}

function amounts(value: unknown, field: string): Amounts {
  const entries = Object.entries(table(value, field));
  return Object.fromEntries(entries.map(([name, item]) => [name, amount(item, `${field}.${name}`)]));
}

function hostOf(value: unknown, field: string): PlacementHost {
  if (typeof value === 'string') return { name: value, weight: 1, capacity: {}, slots: undefined };
  const host = table(value, field);
  return {
    name: text(host.name, `${field}.name`),
    weight: host.weight === undefined ? 1 : amount(host.weight, `${field}.weight`),
    capacity: amounts(host.capacity, `${field}.capacity`),
    slots: host.slots === undefined ? undefined : whole(host.slots, `${field}.slots`),
  };
}

function hostsOf(value: unknown): PlacementHost[] {
  const hosts = list(value, 'hosts').map((item, index) => hostOf(item, `hosts[${index + 1}]`));
  const names = new Set(hosts.map(host => host.name));
  if (names.size < hosts.length) fail('hosts', 'names a host twice');
  return hosts;
}

function instanceOf(value: unknown, field: string): PlacementInstance {
  if (typeof value === 'string') return { id: value, needs: {}, hosts: undefined };
  const instance = table(value, field);
  const hosts = instance.hosts === undefined ? undefined : list(instance.hosts, `${field}.hosts`);
  return {
    id: text(instance.id, `${field}.id`),
    needs: amounts(instance.needs, `${field}.needs`),
    hosts: hosts?.map(name => text(name, `${field}.hosts`)),
  };
}

function instancesOf(value: unknown): PlacementInstance[] {
  const items = list(value, 'instances');
  if (items.length > MAX_INSTANCES) fail('instances', `has more than ${MAX_INSTANCES} items`);
  const instances = items.map((item, index) => instanceOf(item, `instances[${index + 1}]`));
  if (new Set(instances.map(instance => instance.id)).size < instances.length)
    fail('instances', 'has an id twice');
  return instances;
}

function policyOf(value: unknown): Policy {
  const name = value === undefined ? 'spread' : text(value, 'policy');
  const policy = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
  return policy ?? fail('policy', `must be one of ${Object.keys(POLICIES).join(', ')}, not ${name}`);
}

/**
 * Two forms: `instances = {id or {id=, needs=, hosts=}…}, previous = {ID = HOST}` → `PlacementResult`; or
 * `count = N, needs = {…}, previous = {HOST = N}` → `CountResult`.
 */
export function placeFromLua(value: unknown): PlacementResult | CountResult {
  const spec = table(value ?? undefined, 'the argument');
  const unknown = Object.keys(spec).find(key => !FIELDS.has(key));
  if (unknown !== undefined) fail(unknown, `is not a field; there are ${[...FIELDS].join(', ')}`);
  const policy = policyOf(spec.policy);
  const hosts = hostsOf(spec.hosts);
  const maxMoves = spec.max_moves === undefined ? 0 : whole(spec.max_moves, 'max_moves');
  const previous = table(spec.previous, 'previous');
  const entries = Object.entries(previous);
  if (spec.instances === undefined) {
    const count = whole(spec.count, 'count');
    const numbers = entries.map(([host, item]) => [host, whole(item, `previous.${host}`)] as const);
    return placeCounts({
      policy,
      hosts,
      count,
      needs: amounts(spec.needs, 'needs'),
      previous: Object.fromEntries(numbers),
      maxMoves,
    });
  }
  const names = entries.map(([id, item]) => [id, text(item, `previous.${id}`)] as const);
  const start = spec.start === undefined ? 0 : whole(spec.start, 'start');
  return place({
    policy,
    hosts,
    instances: instancesOf(spec.instances),
    previous: Object.fromEntries(names),
    maxMoves,
    start,
  });
}
