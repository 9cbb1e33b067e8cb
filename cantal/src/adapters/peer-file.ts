// peers.json in the storage directory: `{"ip_addresses": ["a.b.c.d:port", …]}`, what re-introduces the cluster after a
// restart of everybody.
import type { Disk } from '@suite/shared/ports/index.ts';
import { isAddress } from '@suite/shared/wire/gossip.ts';

/** 10,000 peers of 32 addresses are below this. */
const MAX_BYTES = 16 * 1024 * 1024;

function addressesOf(text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  const list = (value as { ip_addresses?: unknown } | null)?.ip_addresses;
  return Array.isArray(list) ? list.filter(item => typeof item === 'string' && isAddress(item)) : [];
}

/** A missing or damaged file is an empty list: the seeds and other nodes remain. */
export async function loadPeers(disk: Disk, storageDir: string): Promise<string[]> {
  const text = await disk.readText(`${storageDir}/peers.json`, MAX_BYTES);
  return text === undefined ? [] : addressesOf(text);
}

/** Bytes written. */
export async function savePeers(
  disk: Disk,
  storageDir: string,
  addresses: readonly string[],
): Promise<number> {
  const text = `${JSON.stringify({ ip_addresses: addresses })}\n`;
  await disk.makeDirectory(storageDir);
  await disk.writeAtomic(`${storageDir}/peers.json`, text);
  return text.length;
}
