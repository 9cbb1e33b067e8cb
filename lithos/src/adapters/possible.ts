// What this host or its runtime cannot do for an instance, said before a start instead of in the middle of one.
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { hasMaps, hostId, outsideId } from '../core/desired/id-maps.ts';
import type { DesiredInstance } from '../core/desired/types.ts';

export interface Means {
  readonly runtime: RuntimeChoice['kind'];
  /** False: `cgroup-name: null`. */
  readonly cgroups: boolean;
}

/** Each with the sentence for the operator; undefined: possible. */
function runtimeProblem({ needsPid, ...instance }: DesiredInstance, means: Means): string | undefined {
  if (means.runtime !== 'runc') return undefined;
  // Its threads take pids in the new namespace before the program gets one.
  if (needsPid)
    return 'the pid of the program (`@{lithos:pid}`, activation: systemd) is not known with runc: install crun';
  const hasRoot = (map: DesiredInstance['uidMap']) => outsideId(map, 0) !== undefined;
  if (hasMaps(instance) && !(hasRoot(instance.uidMap) && hasRoot(instance.gidMap)))
    return 'runc needs the inside id 0 in uid-map and gid-map: add it, or install crun';
  return means.cgroups ? undefined : 'runc cannot work without cgroups (`cgroup-name: null`): install crun';
}

function cgroupProblem({ sharePid, capabilities }: DesiredInstance, means: Means): string | undefined {
  if (means.cgroups) return undefined;
  if (sharePid)
    return "without cgroups (`cgroup-name: null`) a container with the host's pids could not be killed as a whole";
  if (capabilities.includes('CAP_MKNOD'))
    return 'without cgroups (`cgroup-name: null`) the capability MKNOD would open every device of the host';
  return undefined;
}

interface Visitor {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Root of a user namespace has its rights over what belongs to mapped ids. */
  readonly owns: (found: Stats) => boolean;
}

const SEARCH = { owner: 0o100, group: 0o010, others: 0o001 };

function mayEnter(found: Stats, visitor: Visitor): boolean {
  if (visitor.owns(found)) return true;
  if (found.uid === visitor.uid) return (found.mode & SEARCH.owner) !== 0;
  if (found.gid === visitor.gid || visitor.groups.includes(found.gid))
    return (found.mode & SEARCH.group) !== 0;
  return (found.mode & SEARCH.others) !== 0;
}

function program(instance: DesiredInstance): Visitor {
  const uid = hostId(instance, 'user', instance.userId) ?? instance.userId;
  const gid = hostId(instance, 'group', instance.groupId) ?? instance.groupId;
  const groups = instance.additionalGroups.map(id => hostId(instance, 'group', id) ?? id);
  const mighty = instance.capabilities.some(name => /DAC_(OVERRIDE|READ_SEARCH)$/.test(name));
  return { uid, gid, groups, owns: () => mighty };
}

/** Whom the runtime becomes to make the mounts: root inside, or else the first id of the map. */
function builder({ uidMap, gidMap }: DesiredInstance): Visitor {
  const first = (map: DesiredInstance['uidMap']) => outsideId(map, 0) ?? map[0]?.outside ?? -1;
  const has = (map: DesiredInstance['uidMap'], id: number) =>
    map.some(({ outside, count }) => outside <= id && id < outside + count);
  return {
    uid: first(uidMap),
    gid: first(gidMap),
    groups: [],
    owns: ({ uid, gid }) => has(uidMap, uid) && has(gidMap, gid),
  };
}

async function parents(path: string): Promise<string[]> {
  const real = await realpath(path);
  const all: string[] = [];
  for (let each = dirname(real); each !== '/'; each = dirname(each)) all.push(each);
  return [...all.reverse(), real];
}

/** The runtime's own words would be a path and "Permission denied". */
async function imageProblem(instance: DesiredInstance): Promise<string | undefined> {
  const { imageRoot } = instance;
  const root = await stat(imageRoot).catch(() => undefined);
  if (!root?.isDirectory()) return `image ${imageRoot} does not exist`;
  const say = (path: string, { uid }: Visitor) =>
    `image ${imageRoot}: user ${uid} of the host may not enter ${path}: chmod o+x ${path}`;
  if (hasMaps(instance)) {
    const visitor = builder(instance);
    for (const path of await parents(imageRoot))
      if (!mayEnter(await stat(path), visitor)) return say(path, visitor);
  }
  const visitor = program(instance);
  return mayEnter(root, visitor) ? undefined : say(imageRoot, visitor);
}

/** Throws with a sentence when the start cannot succeed. */
export async function checkPossible(instance: DesiredInstance, means: Means): Promise<void> {
  const problem =
    runtimeProblem(instance, means) ?? cgroupProblem(instance, means) ?? (await imageProblem(instance));
  if (problem !== undefined) throw new Error(problem);
}
