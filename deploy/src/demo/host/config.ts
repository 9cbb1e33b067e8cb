// Writes the configuration of one host: lithos' files, verwalter's scheduler and templates, hosts and resolv.conf.
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Images } from '../images/build.ts';
import { type HostPlaces, hostPlaces, type Places } from '../places.ts';
import type { DemoPlan, HostPlan } from '../plan.ts';
import { replaceFile } from './state.ts';

/** Sandboxes whose process config the demo itself writes; the others belong to verwalter. */
const OWN_SANDBOXES = ['cantal', 'verwalter'];

export function writeHostConfig(places: Places, plan: DemoPlan, host: HostPlan, images: Images): void {
  const own = hostPlaces(places, host.name);
  for (const directory of own.needed) mkdirSync(directory, { recursive: true });
  cpSync(join(places.data, 'lithos'), own.lithos, { recursive: true });
  cpSync(join(places.data, 'verwalter'), own.verwalterConfig, { recursive: true });
  fill(join(own.lithos, 'master.yaml'), { cgroup: `${plan.cgroup}/${host.name}/lithos.slice` });
  writeEtc(own, plan);
  writeProcesses(own, plan, host, images);
  writeRuntime(own, plan, images);
}

function writeEtc(own: HostPlaces, plan: DemoPlan): void {
  const names = plan.hosts.map(host => `${host.address} ${host.name}\n`).join('');
  replaceFile(join(own.etc, 'hosts'), `127.0.0.1 localhost\n${names}`);
  replaceFile(join(own.etc, 'resolv.conf'), '# The demo needs no name server.\n');
}

/** A host that comes back starts with nothing but cantal and verwalter: what it ran before may run elsewhere now. */
function writeProcesses(own: HostPlaces, plan: DemoPlan, host: HostPlan, images: Images): void {
  const friend = plan.hosts.find(other => other.name !== host.name) ?? host;
  const variables = { host: host.name, address: host.address, id: host.machineId, friend: friend.address };
  for (const file of readdirSync(join(own.lithos, 'sandboxes'))) {
    const sandbox = file.replace(/\.yaml$/, '');
    const entry = {
      [sandbox]: { image: `${images.suite}/root`, config: `/config/${sandbox}.yaml`, variables },
    };
    // JSON is YAML; `{}` runs nothing.
    const text = OWN_SANDBOXES.includes(sandbox) ? JSON.stringify(entry, undefined, 2) : '{}';
    replaceFile(join(own.lithos, 'processes', file), `${text}\n`);
  }
}

/** The scheduler's `runtime`: images by name, and the cluster's file with its addresses added. */
function writeRuntime(own: HostPlaces, plan: DemoPlan, images: Images): void {
  const runtime = join(own.verwalterConfig, 'runtime');
  replaceFile(join(runtime, 'images.json'), JSON.stringify(images, undefined, 2));
  const hosts = plan.hosts.map(host => [host.name, host.address] as const);
  fill(join(runtime, 'cluster.yaml'), Object.fromEntries([...hosts, ['network', plan.network]]));
}

/** Puts values in place of the words between @ in a copied file. */
function fill(file: string, values: Readonly<Record<string, string>>): void {
  const text = readFileSync(file, 'utf8');
  replaceFile(
    file,
    text.replace(/@(\w+)@/g, (mark, word: string) => values[word] ?? mark),
  );
}
