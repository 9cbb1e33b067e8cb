// State directories that nobody owns: of instances that were taken out of the configuration while no tree ran.
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isCommandRunning } from './commands.ts';
import { removeTree } from './remove-tree.ts';

async function list(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}

/** Removes those of neither an instance that `isOwned` knows nor a running command. Answers with their names. */
export async function sweepStates(stateDir: string, isOwned: (name: string) => boolean): Promise<string[]> {
  const swept: string[] = [];
  for (const sandbox of await list(stateDir)) {
    for (const instance of await list(join(stateDir, sandbox))) {
      const name = `${sandbox}/${instance}`;
      if (isOwned(name) || (await isCommandRunning(name))) continue;
      await removeTree(join(stateDir, name));
      swept.push(name);
    }
    // Only an empty one goes.
    await rmdir(join(stateDir, sandbox)).catch(() => undefined);
  }
  return swept;
}
