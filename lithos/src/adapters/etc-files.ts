// The hosts and resolv.conf a container gets: written into its state directory at every start.

import { lookup } from 'node:dns/promises';
import { closeSync, fchmodSync, openSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { DesiredInstance, EtcFiles } from '../core/desired/types.ts';
import { hasRegularFile } from './image.ts';

/** Every user of the container may read them. */
const FILE_MODE = 0o644;

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

function hasHosts({ copyFrom, localhost, publicHostname, additional }: EtcFiles['hosts']): boolean {
  return copyFrom !== null || localhost || publicHostname || Object.keys(additional).length > 0;
}

/** Without a temporary file or a thread: the directory is new, in memory, and nobody reads it before the container is made. */
function writeNew(path: string, text: string): void {
  const file = openSync(path, 'wx', FILE_MODE);
  try {
    writeFileSync(file, text);
    // Whatever our umask is.
    fchmodSync(file, FILE_MODE);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes into `stateDir`, which is new, what there is to say; also when nothing mounts it, because an image can reach it
 * by a `!Statedir` volume. Throws with a sentence.
 */
export async function writeEtcFiles(disk: Disk, instance: DesiredInstance, stateDir: string): Promise<void> {
  const { resolvConf, hosts } = instance.etc;
  const hostsFile = hasHosts(hosts) ? hostsText(disk, hosts) : undefined;
  const resolvFile = resolvConf.copyFrom === null ? undefined : copied(disk, resolvConf.copyFrom);
  const texts = await Promise.all([hostsFile, resolvFile]);
  for (const [index, name] of ['hosts', 'resolv.conf'].entries()) {
    const text = texts[index];
    if (text !== undefined) writeNew(join(stateDir, name), text);
  }
}

interface Question {
  /** As configured. */
  readonly mount: boolean | null;
  readonly file: string;
  /** There will be something to mount. */
  readonly available: boolean;
}

async function decide(instance: DesiredInstance, { mount, file, available }: Question): Promise<boolean> {
  if (mount === false) return false;
  const there = await hasRegularFile(instance, 'etc', file);
  if (mount === true && !there) throw new Error(`the image has no regular file /etc/${file} to mount over`);
  if (mount === true && !available) throw new Error(`there is nothing to put into the /etc/${file} to mount`);
  return there && available;
}

/** Which of the two are mounted over the image's own: asked for, or (null) possible and something to show. */
export async function etcMounts(instance: DesiredInstance): Promise<EtcMounts> {
  const { resolvConf, hosts } = instance.etc;
  const resolv = { mount: resolvConf.mount, available: resolvConf.copyFrom !== null };
  return {
    resolvConf: await decide(instance, { ...resolv, file: 'resolv.conf' }),
    hosts: await decide(instance, { mount: hosts.mount, available: hasHosts(hosts), file: 'hosts' }),
  };
}
