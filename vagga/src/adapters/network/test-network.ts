// The network of one supervise command: a bridge, and a namespace for each child with an address. All of it is this process's own:
// an ordinary user needs no right for it, and nothing is left when the command ends, however it does.
import { createHash } from 'node:crypto';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, umount } from '@suite/shared/linux/mount.ts';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { bridgeLines, deviceName, nodeLines, type WiredNode } from '../../core/network/build-script.ts';
import type { NetworkPlan } from '../../core/network/plan.ts';
import type { Layout } from '../image/layout.ts';
import { newMountPoint, separateMounts } from '../layers/show.ts';
import { findGateway, localResolver } from './gateway.ts';
import { joinGateway } from './gateway-link.ts';
import { forwardInside, ipInside, makeNamespace } from './namespaces.ts';
import { INSIDE, type NetworkPlace, PLAN_FILE } from './place.ts';
import { startRelay } from './relay.ts';
import { writeResolvConf } from './resolv-conf.ts';

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Files of namespaces are empty. */
const FILES_BYTES = 1024 * 1024;

export class TestNetwork {
  readonly #plan: NetworkPlan;
  readonly #directory: string;
  readonly #namespaces: string;
  readonly #bridge: string;
  /** What leads from ports of the host to the children. */
  #resolvConf: string | undefined;
  #ports: { close(): void | Promise<void> } | undefined;

  private constructor(plan: NetworkPlan, directory: string) {
    this.#plan = plan;
    this.#directory = directory;
    this.#namespaces = join(directory, 'namespaces');
    this.#bridge = join(directory, 'bridge');
  }

  /** Throws a NetworkError. */
  static async create(layout: Layout, plan: NetworkPlan): Promise<TestNetwork> {
    separateMounts();
    const directory = newMountPoint(layout);
    mount({ source: 'tmpfs', target: directory, type: 'tmpfs', data: `size=${FILES_BYTES},mode=755` });
    const network = new TestNetwork(plan, directory);
    try {
      network.#wire();
      const gateway = findGateway();
      if (gateway !== undefined && localResolver() !== undefined)
        network.#resolvConf = writeResolvConf(directory);
      network.#ports =
        gateway === undefined
          ? await startRelay(network.#bridge, plan.nodes)
          : joinGateway(gateway, network.#bridge, plan.nodes);
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  #nodePath(ip: string): string {
    return join(this.#namespaces, `net.${ip}`);
  }

  #wire(): void {
    mkdirSync(this.#namespaces);
    writeFileSync(join(this.#namespaces, PLAN_FILE), JSON.stringify(this.#plan));
    const nodes = this.#plan.nodes.map(
      (node): WiredNode => ({
        ...node,
        device: deviceName(node.name, shortHash),
        namespace: this.#nodePath(node.ip),
      }),
    );
    for (const path of [this.#bridge, ...nodes.map(({ namespace }) => namespace)]) makeNamespace(path);
    forwardInside(this.#bridge);
    ipInside(this.#bridge, bridgeLines(nodes));
    for (const node of nodes) ipInside(node.namespace, nodeLines(node));
  }

  /** Undefined: this child is not in the network. */
  placeOf(name: string): NetworkPlace | undefined {
    const node = this.#plan.nodes.find(other => other.name === name);
    const names = this.#resolvConf === undefined ? {} : { resolvConf: this.#resolvConf };
    if (node !== undefined) return { path: this.#nodePath(node.ip), hostname: node.hostname, ...names };
    if (!this.#plan.bridges.includes(name)) return undefined;
    const bridge: SandboxMount = {
      type: 'bind',
      source: this.#namespaces,
      target: INSIDE,
      readonly: true,
      readonlyBelow: false,
      recursive: true,
    };
    return { path: this.#bridge, bridge, ...names };
  }

  /** Afterwards the ports of the host are free again. */
  async close(): Promise<void> {
    await this.#ports?.close();
    this.#ports = undefined;
    umount(this.#directory, true);
    rmdirSync(this.#directory);
  }
}
