// Limits that the master file takes away: without cgroups, or without the controller that would enforce them.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { diagnostic, locateKey } from '../../../config/locate.ts';
import type { MasterKeys } from '../../../config/master.ts';
import type { Parsed } from '../sources.ts';
import type { CheckedSandbox } from './host.ts';
import { inContainer, type Subject, subjectOf } from './subject.ts';

/** Keys of a container → the v1 controller that enforces them (`io` is the same one by its newer name). */
const CONTROLLERS: Readonly<Record<string, readonly string[]>> = {
  'memory-limit': ['memory'],
  'swap-limit': ['memory'],
  'cpu-shares': ['cpu'],
  'cpu-quota': ['cpu'],
  'pids-limit': ['pids'],
  'io-weight': ['blkio', 'io'],
  'io-limits': ['blkio', 'io'],
};

type Master = Pick<MasterKeys, 'cgroupName' | 'cgroupControllers'>;

function reason({ cgroupName, cgroupControllers: listed }: Master, key: string): string | undefined {
  if (cgroupName === null) return '`cgroup-name` is null in the master file';
  const wanted = CONTROLLERS[key] ?? [];
  if (listed.length === 0 || wanted.some(name => listed.some(item => item === name))) return undefined;
  return `\`cgroup-controllers\` in the master file does not list ${wanted[0]}`;
}

/** One warning for each limit that is spelled out and cannot be kept. */
function idleLimits(master: Master, { container }: Subject): Diagnostic[] {
  return Object.keys(CONTROLLERS).flatMap(key => {
    const where = locateKey(container.node, key);
    const why = reason(master, key);
    if (where === undefined || why === undefined) return [];
    return [diagnostic('no-effect', 'warning', `\`${key}\` has no effect: ${why}`, where)];
  });
}

/** Without cgroups everything of a container is found by its pid namespace: there has to be one. */
function sharedPids({ cgroupName }: Master, subject: Subject): Diagnostic[] {
  if (cgroupName !== null || !subject.sandbox.shareNamespaces.includes('pid')) return [];
  const message = `sandbox ${subject.sources.name} shares the pids of the host, and without cgroups nothing could stop all of a container`;
  return [inContainer(subject, 'no-cgroups', message, [])];
}

export function checkLimits(master: Parsed<Master>, sandboxes: readonly CheckedSandbox[]): Diagnostic[] {
  return sandboxes.flatMap(({ sources, good }) =>
    good.flatMap(entry => {
      if (entry.container === undefined) return [];
      const subject = subjectOf(sources, entry, entry.container);
      return [...idleLimits(master.value, subject), ...sharedPids(master.value, subject)];
    }),
  );
}
