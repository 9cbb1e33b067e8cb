import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { realDisk } from '../ports/real.ts';

/** Environments may carry secrets: the directory and the file are for their owner only. */
const BUNDLE_MODE = 0o700;
const CONFIG_MODE = 0o600;

/** Makes (or refreshes) an OCI bundle: a directory with `config.json`. Every container needs its own. */
export async function writeBundle(directory: string, config: object): Promise<void> {
  await mkdir(directory, { recursive: true, mode: BUNDLE_MODE });
  await realDisk.writeAtomic(join(directory, 'config.json'), JSON.stringify(config), { mode: CONFIG_MODE });
}
