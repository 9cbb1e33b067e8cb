import type { ButtonDescription, ScheduleObject } from '@suite/shared/wire/verwalter.ts';

// The schedule is whatever the Lua returned: everything here is read defensively, and what does not fit is left out.

type Loose = Readonly<Record<string, unknown>>;

const mapping = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): readonly string[] => list(value).filter(item => typeof item === 'string');

export interface RolePlacement {
  readonly role: string;
  readonly title: string;
  /** host → process → instances wanted there. */
  readonly hosts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly buttons: readonly ButtonDescription[];
  readonly info: string;
}

export const hostsOf = (schedule: ScheduleObject): readonly string[] =>
  Object.keys(mapping(schedule.data.nodes)).sort();

function daemons(role: unknown): ReadonlyMap<string, number> {
  const entries = Object.entries(mapping(mapping(role).daemons));
  return new Map(entries.map(([key, daemon]) => [key, Number(mapping(daemon).instances ?? 1)]));
}

function isButton(value: unknown): value is ButtonDescription {
  const { id, title } = mapping(value);
  return typeof id === 'string' && typeof title === 'string';
}

/** Roles in order of name, with where they run and the buttons the scheduler offers for them. */
export function placements(schedule: ScheduleObject): readonly RolePlacement[] {
  const nodes = mapping(schedule.data.nodes);
  const common = mapping(schedule.data.roles);
  const onNodes = Object.values(nodes).flatMap(node => Object.keys(mapping(mapping(node).roles)));
  const names = [...new Set([...Object.keys(common), ...onNodes])].sort();
  return names.map(role => {
    const about = mapping(common[role]);
    const hosts = Object.entries(nodes).map(
      ([host, node]) => [host, daemons(mapping(mapping(node).roles)[role])] as const,
    );
    return {
      role,
      title: typeof about.title === 'string' ? about.title : role,
      hosts: new Map(hosts),
      buttons: list(about.global_actions).filter(isButton),
      info: typeof about.info === 'string' ? about.info : '',
    };
  });
}

export const instances = (placed: ReadonlyMap<string, number> | undefined): number =>
  [...(placed?.values() ?? [])].reduce((sum, number) => sum + number, 0);

export const changes = (schedule: ScheduleObject): readonly string[] => texts(schedule.data.changes);
