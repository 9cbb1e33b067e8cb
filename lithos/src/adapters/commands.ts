// What lithos_cmd runs, as others find it: `SANDBOX/cmd.NAME.PID`, with the pid of lithos_cmd. Apart from the instances,
// so that a tree never takes a command for one of its own.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cgroups } from './cgroups.ts';
import { containerId, type HostPaths, instanceDir } from './paths.ts';
import { removeTree } from './remove-tree.ts';

const COMMAND = /^cmd\.[\w-]+\.(\d+)$/;
/** The only run of its name. */
export const COMMAND_RUN = 1;

export function commandName(sandbox: string, process: string, pid: number): string {
  return `${sandbox}/cmd.${process}.${pid}`;
}

/** The same host for a command: a place of its own for bundles, and networks that no tree clears away. */
export function commandPaths(paths: HostPaths, name: string): HostPaths {
  return {
    ...paths,
    instancesDir: paths.commandsDir,
    networksDir: join(instanceDir(paths.commandsDir, name), 'networks'),
  };
}

async function list(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}

/** Names of all commands that left something, running or not. */
export async function findCommands({ commandsDir }: HostPaths): Promise<string[]> {
  const sandboxes = await list(commandsDir);
  const found = await Promise.all(
    sandboxes.map(async sandbox =>
      (await list(join(commandsDir, sandbox))).map(name => `${sandbox}/${name}`),
    ),
  );
  return found.flat().filter(name => COMMAND.test(name.slice(name.indexOf('/') + 1)));
}

/** The pid may be somebody else's by now. */
async function isRunning(name: string): Promise<boolean> {
  const pid = name.slice(name.lastIndexOf('.') + 1);
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return words.includes('lithos_cmd');
}

/** False for names that are no command's. */
export async function isCommandRunning(name: string): Promise<boolean> {
  return COMMAND.test(name.slice(name.indexOf('/') + 1)) && (await isRunning(name));
}

/** Clears away what killed ones left, their containers included. Answers with their names. */
export async function sweepCommands(paths: HostPaths, cgroups: Cgroups): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await findCommands(paths)) {
    if (await isRunning(name)) continue;
    await cgroups.remove(name);
    const id = containerId(name, COMMAND_RUN);
    const directories = [paths.stateDir, paths.commandsDir].map(root => instanceDir(root, name));
    for (const directory of [...directories, join(paths.ociRoot, id)]) await removeTree(directory);
    swept.push(name);
  }
  return swept;
}
