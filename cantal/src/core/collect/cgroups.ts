// Which cgroup a process is in, what we call it, and the figures of its controllers. Works on v1, v2 and both at once.
import type { Reading } from './sample.ts';
import { integer, lines, words } from './sample.ts';

/** Path of a process by hierarchy: `''` is v2, otherwise a controller or `name=…`. */
export type Membership = ReadonlyMap<string, string>;

/** /proc/PID/cgroup: `N:controllers:path` per line. */
export function parseMembership(text: string): Membership {
  const paths = new Map<string, string>();
  for (const line of lines(text)) {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) continue;
    const path = line.slice(second + 1);
    for (const controller of line.slice(first + 1, second).split(',')) paths.set(controller, path);
  }
  return paths;
}

/** Which hierarchy names a process: systemd's, then v2, then controllers that container runtimes always use. */
const NAMING_ORDER = ['name=systemd', '', 'memory', 'pids', 'cpu', 'cpuacct', 'devices', 'freezer', 'blkio'];
const SUFFIX = /\.(slice|scope|service)$/;

/** Components below the base: `/lithos.slice/django:worker.0.scope` under `/`; undefined when `path` is the base itself. */
function relative(path: string, base: string): string[] | undefined {
  const inside =
    base === '/' ? path : path === base ? '/' : path.startsWith(`${base}/`) ? path.slice(base.length) : path;
  const parts = inside.split('/').filter(part => part !== '' && part !== '..');
  return parts.length === 0 ? undefined : parts;
}

/** `lithos.slice/django:worker.0.scope` → `lithos.django:worker.0`. */
function simplifyName(parts: readonly string[]): string {
  return parts.map(part => part.replace(SUFFIX, '')).join('.');
}

/** PID 1 of a container often sits in a scope of its own, beside the groups it makes: the base is one above. */
export function baseOf(path: string): string {
  const cut = path.replace(/\/[^/]*\.scope$/, '');
  return cut === '' ? '/' : cut;
}

/** undefined for a process directly in the base: it is in no group. */
export function cgroupName(membership: Membership, base: Membership): string | undefined {
  for (const hierarchy of NAMING_ORDER) {
    const path = membership.get(hierarchy);
    if (path === undefined) continue;
    const parts = relative(path, baseOf(base.get(hierarchy) ?? '/'));
    if (parts !== undefined && parts[0] !== 'init.scope') return simplifyName(parts);
  }
  return undefined;
}

/** A text of `name number` lines: cpu.stat, memory.events, cpuacct.stat, memory.oom_control. */
function numbers(text: string): ReadonlyMap<string, number> {
  return new Map(
    lines(text).map(line => {
      const [name = '', value] = words(line);
      return [name, integer(value)];
    }),
  );
}

export interface ControllerFile {
  readonly hierarchy: 'v1' | 'v2';
  /** Controller whose path applies (v1); v2 has one path for all. */
  readonly controller: string;
  readonly file: string;
  readonly parse: (text: string) => readonly Reading[];
}

/** v1 shows "no limit" as the largest multiple of a page below 2^63. */
const UNLIMITED = 2 ** 62;

function single(
  metric: string,
  kind: 'Integer' | 'Counter',
  factor = 1,
): (text: string) => readonly Reading[] {
  return text => {
    const value = integer(text.trim()) * factor;
    return [[metric, kind, value >= UNLIMITED ? Number.NaN : value]];
  };
}

function table(
  fields: readonly (readonly [name: string, metric: string, factor: number])[],
): (text: string) => readonly Reading[] {
  return text => {
    const found = numbers(text);
    return fields.map(([name, metric, factor]): Reading => {
      return [metric, 'Counter', Math.round((found.get(name) ?? Number.NaN) * factor)];
    });
  };
}

/** Microseconds per clock tick: USER_HZ is 100 on every Linux of today. */
const TICK_US = 10_000;

/** Files of one group, in both layouts; a file that is absent only lacks its metrics. Times are microseconds. */
export const CONTROLLER_FILES: readonly ControllerFile[] = [
  {
    hierarchy: 'v2',
    controller: 'memory',
    file: 'memory.current',
    parse: single('cgroup.memory.usage', 'Integer'),
  },
  {
    hierarchy: 'v2',
    controller: 'memory',
    file: 'memory.max',
    parse: single('cgroup.memory.limit', 'Integer'),
  },
  {
    hierarchy: 'v2',
    controller: 'memory',
    file: 'memory.events',
    parse: table([['oom_kill', 'cgroup.memory.oom_kills', 1]]),
  },
  {
    hierarchy: 'v2',
    controller: 'cpu',
    file: 'cpu.stat',
    parse: table([
      ['usage_usec', 'cgroup.cpu.usage', 1],
      ['user_usec', 'cgroup.cpu.user', 1],
      ['system_usec', 'cgroup.cpu.system', 1],
      ['throttled_usec', 'cgroup.cpu.throttled', 1],
    ]),
  },
  { hierarchy: 'v2', controller: 'pids', file: 'pids.current', parse: single('cgroup.pids', 'Integer') },
  {
    hierarchy: 'v1',
    controller: 'memory',
    file: 'memory.usage_in_bytes',
    parse: single('cgroup.memory.usage', 'Integer'),
  },
  {
    hierarchy: 'v1',
    controller: 'memory',
    file: 'memory.limit_in_bytes',
    parse: single('cgroup.memory.limit', 'Integer'),
  },
  {
    hierarchy: 'v1',
    controller: 'memory',
    file: 'memory.oom_control',
    parse: table([['oom_kill', 'cgroup.memory.oom_kills', 1]]),
  },
  {
    hierarchy: 'v1',
    controller: 'cpuacct',
    file: 'cpuacct.usage',
    parse: text => [['cgroup.cpu.usage', 'Counter', Math.round(integer(text.trim()) / 1000)]],
  },
  {
    hierarchy: 'v1',
    controller: 'cpuacct',
    file: 'cpuacct.stat',
    parse: table([
      ['user', 'cgroup.cpu.user', TICK_US],
      ['system', 'cgroup.cpu.system', TICK_US],
    ]),
  },
  {
    hierarchy: 'v1',
    controller: 'cpu',
    file: 'cpu.stat',
    parse: table([['throttled_time', 'cgroup.cpu.throttled', 0.001]]),
  },
  { hierarchy: 'v1', controller: 'pids', file: 'pids.current', parse: single('cgroup.pids', 'Integer') },
];
