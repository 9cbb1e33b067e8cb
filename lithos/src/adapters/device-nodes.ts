// Device files of the host, by their path, as the OCI runtime and the kernel's io controller name them.
import { stat } from 'node:fs/promises';
import { devMajor, devMinor } from '@suite/shared/linux/device-numbers.ts';
import type { SandboxDevice } from '@suite/shared/oci/sandbox.ts';
import type { IoLimit } from '../core/desired/types.ts';

const PERMISSIONS = 0o777;

async function statDevice(path: string) {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? `${path} does not exist` : `${path}: ${error.message}`);
  });
  if (!found.isCharacterDevice() && !found.isBlockDevice()) throw new Error(`${path} is no device`);
  const { rdev } = found;
  return { found, major: devMajor(rdev), minor: devMinor(rdev) };
}

/** The same node for the container, owner and mode included. Throws with a sentence. */
async function deviceNode(path: string): Promise<SandboxDevice> {
  const { found, major, minor } = await statDevice(path).catch((error: Error) => {
    throw new Error(`devices: ${error.message}`);
  });
  const { mode, uid, gid } = found;
  return { path, type: found.isBlockDevice() ? 'b' : 'c', major, minor, mode: mode & PERMISSIONS, uid, gid };
}

export async function deviceNodes(paths: readonly string[]): Promise<SandboxDevice[]> {
  return await Promise.all(paths.map(deviceNode));
}

interface IoDevice {
  readonly major: number;
  readonly minor: number;
}

/** The io controller counts per disk: the kernel refuses the number of a partition. Throws with a sentence. */
export async function ioDevice({ device }: IoLimit): Promise<IoDevice> {
  const say = (what: string) => new Error(`io-limits: ${what}`);
  const { found, major, minor } = await statDevice(device).catch((error: Error) => {
    throw say(error.message);
  });
  if (!found.isBlockDevice()) throw say(`${device} is no block device`);
  const isPartition = await stat(`/sys/dev/block/${major}:${minor}/partition`).then(
    () => true,
    () => false,
  );
  if (isPartition) throw say(`${device} is a partition: name the disk it is on`);
  return { major, minor };
}
