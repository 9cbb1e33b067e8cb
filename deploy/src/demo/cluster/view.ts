// What the cluster is doing now: asked of every verwalter, and read from the status file of every lithos_tree.
import { readFileSync } from 'node:fs';
import type { ScheduleObject, VerwalterStatus } from '@suite/shared/wire/verwalter.ts';
import { PORTS } from '../defaults.ts';
import type { Host } from '../host/host.ts';
import type { DemoPlan } from '../plan.ts';
import { askJson } from './http.ts';

/** The part of lithos' status file that the demo reads. */
export interface InstanceView {
  /** `sandbox/process.N` */
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly problem: string | null;
}

export interface HostView {
  readonly name: string;
  readonly address: string;
  readonly up: boolean;
  readonly verwalter: VerwalterStatus | undefined;
  readonly instances: readonly InstanceView[];
}

export interface ClusterView {
  readonly hosts: readonly HostView[];
  /** Of the only leader; undefined while there is none or more than one. */
  readonly schedule: ScheduleObject | undefined;
}

export async function look(plan: DemoPlan, hosts: ReadonlyMap<string, Host>): Promise<ClusterView> {
  const views = await Promise.all(
    plan.hosts.map(host => lookAt(host.name, host.address, hosts.get(host.name))),
  );
  const leaders = leadersOf(views);
  const leader = views.find(view => view.name === leaders[0]);
  const schedule =
    leaders.length === 1 && leader !== undefined ? await scheduleOf(leader.address) : undefined;
  return { hosts: views, schedule };
}

function scheduleOf(address: string): Promise<ScheduleObject | undefined> {
  return askJson<ScheduleObject>(`http://${address}:${PORTS.verwalter}/v1/schedule`);
}

export function leadersOf(hosts: readonly HostView[]): string[] {
  return hosts.filter(host => host.verwalter?.election_state.is_leader === true).map(host => host.name);
}

/** Instances of a sandbox that run, on one host. */
export function running(host: HostView | undefined, sandbox: string): number {
  return (host?.instances ?? []).filter(
    item => item.state === 'running' && item.name.startsWith(`${sandbox}/`),
  ).length;
}

export function total(view: ClusterView, sandbox: string): number {
  return view.hosts.reduce((sum, host) => sum + running(host, sandbox), 0);
}

/** Where the schedule puts a service that runs once. */
export function placeOf(schedule: ScheduleObject | undefined, service: string): string | undefined {
  const state = schedule?.data.state as { services?: Record<string, string> } | undefined;
  return state?.services?.[service];
}

async function lookAt(name: string, address: string, host: Host | undefined): Promise<HostView> {
  if (host === undefined) return { name, address, up: false, verwalter: undefined, instances: [] };
  const verwalter = await askJson<VerwalterStatus>(`http://${address}:${PORTS.verwalter}/v1/status`);
  return { name, address, up: true, verwalter, instances: instancesOf(host) };
}

export interface TreeView {
  /** Wall clock, when lithos_tree wrote this. */
  readonly writtenWallMs: number;
  readonly instances: readonly InstanceView[];
}

/** Read through the root directory of the host's first process: the file lies in the host's own /srv. */
export function treeOf(host: Host): TreeView {
  try {
    const tree = JSON.parse(
      readFileSync(`/proc/${host.pid}/root/srv/run/status.json`, 'utf8'),
    ) as Partial<TreeView>;
    return { writtenWallMs: tree.writtenWallMs ?? 0, instances: tree.instances ?? [] };
  } catch {
    return { writtenWallMs: 0, instances: [] };
  }
}

export function instancesOf(host: Host): readonly InstanceView[] {
  return treeOf(host).instances;
}
