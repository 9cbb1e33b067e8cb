// Takes away everything a demo made, whether this one or one that was killed. Safe to repeat, and to run half-way.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from '../places.ts';
import type { DemoPlan } from '../plan.ts';
import { type Hierarchy, removeCgroups } from './cgroups.ts';
import { type Host, killHost } from './host.ts';
import { removeNetwork } from './network.ts';
import { type DemoState, readState, writeState } from './state.ts';

/** Notes what is about to be made. */
export function announce(places: Places, plan: DemoPlan, hierarchies: readonly Hierarchy[]): void {
  writeState(places, {
    schemaVersion: 1,
    bridge: plan.bridge,
    links: plan.hosts.map(host => host.outerLink),
    cgroups: hierarchies.map(hierarchy => join(hierarchy.base, plan.cgroup)),
  });
}

/** What could not be removed, as sentences; empty when all is gone. */
export async function teardown(places: Places, hosts: readonly Host[]): Promise<string[]> {
  await Promise.all(hosts.map(killHost));
  const state = readState(places);
  const left = state === undefined ? [] : await removeMade(state);
  for (const path of [places.hosts, places.temporary]) rmSync(path, { recursive: true, force: true });
  if (left.length === 0) rmSync(places.state, { force: true });
  return left;
}

async function removeMade(state: DemoState): Promise<string[]> {
  const emptied = await removeCgroups(state.cgroups);
  await removeNetwork(state.bridge, state.links);
  return emptied ? [] : [`cgroups ${state.cgroups.join(', ')} could not be removed`];
}
