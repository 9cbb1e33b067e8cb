// The switch of the demo: one bridge, and one veth pair per host whose inner end is moved into the host.
import { NETWORK } from '../defaults.ts';
import type { DemoPlan, HostPlan } from '../plan.ts';
import { must, run } from '../run.ts';

/** Addresses and routes of this machine as `a.b.c.d/len`, without the default route. */
export async function usedNetworks(): Promise<string[]> {
  const links = JSON.parse(await must(['ip', '-json', '-4', 'address'])) as {
    addr_info?: { local?: string; prefixlen?: number }[];
  }[];
  const routes = JSON.parse((await must(['ip', '-json', '-4', 'route'])) || '[]') as { dst?: string }[];
  const addresses = links
    .flatMap(link => link.addr_info ?? [])
    .map(info => `${info.local}/${info.prefixlen}`);
  const destinations = routes
    .map(route => route.dst ?? '')
    .filter(dst => dst !== 'default' && dst !== '0.0.0.0/0');
  return [...addresses, ...destinations];
}

export async function makeBridge(plan: DemoPlan): Promise<void> {
  await must(['ip', 'link', 'add', plan.bridge, 'type', 'bridge', 'forward_delay', '0']);
  await must(['ip', 'address', 'add', `${plan.machineAddress}/${NETWORK.prefixLength}`, 'dev', plan.bridge]);
  await must(['ip', 'link', 'set', plan.bridge, 'up']);
}

/** Gives the host with this first process its end of a new pair; init.sh names it eth0 and sets the address. */
export async function connectHost(plan: DemoPlan, host: HostPlan, pid: number): Promise<void> {
  await run(['ip', 'link', 'delete', host.outerLink]);
  await must([
    'ip',
    'link',
    'add',
    host.outerLink,
    'type',
    'veth',
    'peer',
    'name',
    host.innerLink,
    'netns',
    `${pid}`,
  ]);
  await must(['ip', 'link', 'set', host.outerLink, 'master', plan.bridge, 'up']);
}

/** Harmless when there is nothing: the pair also vanishes with the host's namespace. */
export async function removeNetwork(bridge: string, links: readonly string[]): Promise<void> {
  for (const name of [...links, bridge]) await run(['ip', 'link', 'delete', name]);
}

/**
 * Cuts `alone` off from `others`, in silence as a pulled cable would: packets are dropped where they arrive. The
 * machine on the bridge still reaches everybody. The rules live in the hosts' namespaces and vanish with them.
 */
export async function cut(alone: Reachable, others: readonly Reachable[]): Promise<void> {
  await dropFrom(alone, others);
  for (const other of others) await dropFrom(other, [alone]);
}

export async function heal(hosts: readonly Reachable[]): Promise<void> {
  for (const host of hosts) await run([...inside(host), 'nft', 'delete', 'table', 'ip', TABLE]);
}

export interface Reachable {
  readonly address: string;
  /** First process of the host. */
  readonly pid: number;
}

const TABLE = 'demo_cut';

function inside(host: Reachable): string[] {
  return ['nsenter', '--target', `${host.pid}`, '--net', '--'];
}

async function dropFrom(host: Reachable, others: readonly Reachable[]): Promise<void> {
  const sources = others.map(other => other.address).join(', ');
  const rules = `table ip ${TABLE} { chain input { type filter hook input priority 0; ip saddr { ${sources} } drop; }; }`;
  await must([...inside(host), 'nft', rules]);
}
