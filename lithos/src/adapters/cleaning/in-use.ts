// Images that are needed whatever the files say meanwhile: of containers, and of what the supervisor goes on with (the
// last good configuration while a file is broken, both ends of a roll-out).
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../../config/defaults.ts';
import { COMMAND_RUN, findCommands } from '../commands.ts';
import { LastGood } from '../last-good.ts';
import type { HostPaths } from '../paths.ts';
import { findRuns } from '../records.ts';
import { RolloutFiles } from '../rollout-files.ts';

/** One name for each directory, however it was written; links on the way to one that does not exist stay. */
export async function realPath(path: string): Promise<string> {
  return await realpath(path).catch(() => resolve(path));
}

/** Undefined: no bundle, or half of one. */
async function rootOf(disk: Disk, bundle: string): Promise<string | undefined> {
  const text = await disk.readText(join(bundle, 'config.json'), LIMITS.configBytes).catch(() => undefined);
  try {
    return (JSON.parse(text ?? '{}') as { root?: { path?: string } }).root?.path;
  } catch {
    return undefined;
  }
}

async function ofContainers(disk: Disk, paths: HostPaths): Promise<string[]> {
  const runs = (await findRuns(disk, paths)).map(({ files }) => files.bundle);
  const commands = (await findCommands(paths)).map(name =>
    join(paths.commandsDir, name, String(COMMAND_RUN)),
  );
  const roots = await Promise.all([...runs, ...commands].map(bundle => rootOf(disk, bundle)));
  return roots.filter(root => root !== undefined);
}

async function inForce(disk: Disk, { lastGoodDir, rolloutsDir }: HostPaths): Promise<string[]> {
  const lastGood = new LastGood(disk, lastGoodDir);
  const files = (await disk.list(lastGoodDir)) ?? [];
  const sandboxes = await Promise.all(files.map(file => lastGood.load(file.replace(/\.json$/, ''))));
  const rollouts = await new RolloutFiles(disk, rolloutsDir).load();
  const instances = [
    ...sandboxes.flatMap(sandbox => sandbox?.instances ?? []),
    ...rollouts.flatMap(({ previous, next }) => [...previous, ...next]),
  ];
  return instances.map(({ imageRoot }) => imageRoot);
}

/** Real paths. */
export async function imagesInUse(disk: Disk, paths: HostPaths): Promise<Set<string>> {
  const found = new Set([...(await ofContainers(disk, paths)), ...(await inForce(disk, paths))]);
  return new Set(await Promise.all([...found].map(realPath)));
}
