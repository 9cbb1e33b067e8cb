// Pipes and devices of images. A run has no device cgroup, so only devices come into being that every container has in its /dev
// anyway: with another one its root would have a disk of the host.
import { type FileNode, makeNode } from '@suite/shared/linux/nodes.ts';
import type { Entry } from '../../core/archive/entry.ts';

/** Character devices as MAJOR:MINOR (Linux: Documentation/admin-guide/devices.txt). What bootstraps of Debian make. */
const USUAL_DEVICES: ReadonlySet<string> = new Set([
  // null, zero, full, random, urandom
  '1:3',
  '1:5',
  '1:7',
  '1:8',
  '1:9',
  // tty, console, ptmx
  '5:0',
  '5:1',
  '5:2',
]);

function nodeOf({ type, device }: Entry): FileNode | undefined {
  if (type === 'fifo') return { kind: 'fifo' };
  if (type !== 'character-device' || device === undefined) return undefined;
  return USUAL_DEVICES.has(`${device.major}:${device.minor}`) ? { kind: 'character', ...device } : undefined;
}

/** `path`: where nothing is. False: it is none of those, or this user may not make devices. */
export function makeSpecialFile(path: Buffer, entry: Entry): boolean {
  const node = nodeOf(entry);
  if (node === undefined) return false;
  try {
    makeNode(path, node);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return false;
  }
}
