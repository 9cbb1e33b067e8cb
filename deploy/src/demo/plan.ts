// Names and addresses of one demo, derived from the checkout and from what the machine already uses. Pure.
import { createHash } from 'node:crypto';
import { HOST_NAMES, type HostName, NETWORK } from './defaults.ts';

export interface HostPlan {
  readonly name: HostName;
  readonly address: string;
  /** 32 hex digits: the hosts share one /etc/machine-id. */
  readonly machineId: string;
  /** The end of the veth pair that stays on the bridge, and the one that becomes the host's eth0. */
  readonly outerLink: string;
  readonly innerLink: string;
}

export interface DemoPlan {
  /** Six hex digits of the checkout's path: two checkouts never share a name. */
  readonly id: string;
  /** `10.97.0` of 10.97.0.0/24. */
  readonly network: string;
  readonly bridge: string;
  readonly machineAddress: string;
  /** Directory name of the demo's cgroups, in every hierarchy. */
  readonly cgroup: string;
  readonly hosts: readonly HostPlan[];
}

export function demoId(root: string): string {
  return hex(root).slice(0, 6);
}

/** Undefined when every network the demo may use is taken. `used`: IPv4 addresses and routes as `a.b.c.d/len`. */
export function makePlan(root: string, used: readonly string[]): DemoPlan | undefined {
  const network = freeNetwork(used);
  if (network === undefined) return undefined;
  const id = demoId(root);
  return {
    id,
    network,
    bridge: `sd${id}`,
    machineAddress: `${network}.${NETWORK.machine}`,
    cgroup: `suite-demo.${id}`,
    hosts: HOST_NAMES.map((name, index) => ({
      name,
      address: `${network}.${NETWORK.firstHost + index}`,
      machineId: hex(`${root} ${name}`).slice(0, 32),
      outerLink: `sd${id}-${name[0]}`,
      innerLink: `sd${id}-${name[0]}e`,
    })),
  };
}

export function hostPlan(plan: DemoPlan, name: string): HostPlan {
  const found = plan.hosts.find(host => host.name === name);
  if (found === undefined) throw new Error(`no host is called ${name}`);
  return found;
}

function hex(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function freeNetwork(used: readonly string[]): string | undefined {
  const ranges = used.map(parseRange).filter(range => range !== undefined);
  for (let second = NETWORK.first; second <= NETWORK.last; second++) {
    const network = `10.${second}.0`;
    const wanted = parseRange(`${network}.0/${NETWORK.prefixLength}`);
    if (wanted !== undefined && !ranges.some(range => overlap(range, wanted))) return network;
  }
  return undefined;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function overlap(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** The default route (`0.0.0.0/0`) overlaps everything and means nothing: callers leave it out. */
function parseRange(text: string): Range | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = match.slice(1, 5).map(Number);
  const size = 2 ** (32 - Number(match[5] ?? 32));
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}
