// The hosts and resolv.conf a container gets: written into its state directory at every start.
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { DesiredInstance, EtcFiles } from '../core/desired/types.ts';
import { hasRegularFile } from './image.ts';

export interface EtcMounts {
  readonly resolvConf: boolean;
  readonly hosts: boolean;
}

async function copied(disk: Disk, path: string | null): Promise<string> {
  if (path === null) return '';
  const text = await disk.readText(path, LIMITS.etcFileBytes);
  if (text === undefined) throw new Error(`${path} does not exist: it is to be copied into the container`);
  return text;
}

async function publicLine(): Promise<string> {
  const name = hostname();
  try {
    return `${(await lookup(name, 4)).address} ${name}\n`;
  } catch {
    throw new Error(`the host name ${name} has no IPv4 address, which \`public-hostname\` asks for`);
  }
}

async function hostsText(disk: Disk, hosts: EtcFiles['hosts']): Promise<string> {
  const parts = [hosts.copyFrom === null ? '' : `${await copied(disk, hosts.copyFrom)}\n`];
  if (hosts.localhost) parts.push('127.0.0.1 localhost.localdomain localhost\n');
  if (hosts.publicHostname) parts.push(await publicLine());
  const extra = Object.entries(hosts.additional).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.join('') + extra.map(([name, ip]) => `${ip} ${name}\n`).join('');
}

/** Writes both files into `stateDir`; they are there even when nothing mounts them. Throws with a sentence. */
export async function writeEtcFiles(disk: Disk, instance: DesiredInstance, stateDir: string): Promise<void> {
  const { resolvConf, hosts } = instance.etc;
  await disk.writeAtomic(join(stateDir, 'hosts'), await hostsText(disk, hosts));
  if (resolvConf.copyFrom !== null) {
    await disk.writeAtomic(join(stateDir, 'resolv.conf'), await copied(disk, resolvConf.copyFrom));
  }
}

async function decide(
  root: string,
  mount: boolean | null,
  name: string,
  available: boolean,
): Promise<boolean> {
  if (mount === false) return false;
  const there = await hasRegularFile(root, 'etc', name);
  if (mount === true && !there) throw new Error(`the image has no regular file /etc/${name} to mount over`);
  return there && available;
}

/** Which of the two are mounted over the image's own: asked for, or (null) possible and something to show. */
export async function etcMounts(instance: DesiredInstance): Promise<EtcMounts> {
  const { resolvConf, hosts } = instance.etc;
  return {
    resolvConf: await decide(
      instance.imageRoot,
      resolvConf.mount,
      'resolv.conf',
      resolvConf.copyFrom !== null,
    ),
    hosts: await decide(instance.imageRoot, hosts.mount, 'hosts', true),
  };
}
