// Who this host is to its peers.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Disk, Random } from '@suite/shared/ports/index.ts';

const ID_BYTES = 16;
const ID_FILE_BYTES = 256;

function systemMachineId(): string | undefined {
  try {
    const id = readFileSync('/etc/machine-id', 'utf8').trim().toLowerCase();
    return /^[0-9a-f]{32}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** /etc/machine-id, else one drawn once and kept in the storage directory, so that a restart is no new host. */
export async function findMachineId(
  disk: Disk,
  random: Random,
  storageDir: string | undefined,
): Promise<string> {
  const system = systemMachineId();
  if (system !== undefined) return system;
  const drawn = Buffer.from(random.bytes(ID_BYTES)).toString('hex');
  if (storageDir === undefined) return drawn;
  const file = `${storageDir}/machine-id`;
  const kept = (await disk.readText(file, ID_FILE_BYTES))?.trim();
  if (kept !== undefined && /^[0-9a-f]{32}$/.test(kept)) return kept;
  await disk.makeDirectory(storageDir);
  await disk.writeAtomic(file, `${drawn}\n`, { fsync: true });
  return drawn;
}

/** Addresses to announce: the one we listen on, or every IPv4 address of the host except loopback. */
export function announcedAddresses(host: string, port: number): string[] {
  if (host !== '0.0.0.0') return [`${host}:${port}`];
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  return all.filter(item => item.family === 'IPv4' && !item.internal).map(item => `${item.address}:${port}`);
}
