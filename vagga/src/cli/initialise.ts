// Persistent volumes that a command fills: it runs with the unfinished directory, which gets its name when the command succeeds.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { flushFileSystem } from '@suite/shared/linux/sync.ts';
import { takeLock } from '../adapters/build/lock.ts';
import { makeUnfinished } from '../adapters/volumes/persistent.ts';
import { VolumeError } from '../adapters/volumes/place.ts';
import type { Command, RunCommand } from '../config/model.ts';
import {
  type InitialisedVolume,
  initCommandProblem,
  initialisedVolumes,
} from '../core/volumes/persistent.ts';
import { type Session, say } from './session.ts';

/** Volumes of `command` that are not there yet. */
function absentVolumes({ layout, cache }: Session, command: Command): InitialisedVolume[] {
  return initialisedVolumes(cache.project, command).filter(({ name }) => !existsSync(layout.volume(name)));
}

/** The commands that must run before this one, so that its volumes are there. */
export function initCommands(session: Session, command: Command): string[] {
  return absentVolumes(session, command).map(({ initCommand }) => initCommand);
}

/** Why a volume of one of these commands can never be filled. */
export function volumeProblem(session: Session, names: readonly string[]): string | undefined {
  const { project } = session.cache;
  for (const name of names) {
    const command = project.commands[name];
    const volumes = command === undefined ? [] : absentVolumes(session, command);
    for (const volume of volumes) {
      const problem = initCommandProblem(project, volume);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

async function begin(session: Session, { container }: RunCommand, volume: InitialisedVolume) {
  const { layout, cache } = session;
  mkdirSync(layout.volumes, { recursive: true });
  const file = `${layout.volumes}/.tmp.${volume.name}.lock`;
  const lock = await takeLock(file, 0, new AbortController().signal);
  if (lock === 'busy') throw new VolumeError('another process is filling it');
  if (lock instanceof Error) throw lock;
  const place = cache.project.containers[container] ?? { uids: [], gids: [] };
  session.filling.set(volume.name, makeUnfinished(layout, volume, place));
  return lock;
}

/** Its command never runs again, so a volume gets its name when all of it is on the disk. */
function keep(filled: string, volume: string): void {
  flushFileSystem(filled);
  renameSync(filled, volume);
}

/** `run` under the name `name`: with every volume that this command fills. */
export async function withFilling(
  session: Session,
  name: string,
  command: RunCommand,
  run: () => Promise<number>,
): Promise<number> {
  const volumes = absentVolumes(session, command).filter(({ initCommand }) => initCommand === name);
  const locks = [];
  try {
    for (const volume of volumes) {
      try {
        locks.push(await begin(session, command, volume));
      } catch (error) {
        return say(
          124,
          `Persistent volume ${JSON.stringify(volume.name)} error: ${(error as Error).message}`,
        );
      }
    }
    const code = await run();
    for (const { name: volume } of code === 0 ? volumes : [])
      keep(session.filling.get(volume) ?? '', session.layout.volume(volume));
    return code;
  } finally {
    for (const { name: volume } of volumes) session.filling.delete(volume);
    for (const lock of locks) await lock.release();
  }
}
