// `vagga --detach COMMAND`: the command goes on without us, under a supervisor of its own.

import { closeSync, mkdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { takeLock } from '../adapters/build/lock.ts';
import { superviseDetached } from '../adapters/runs/detached.ts';
import { detachedPlace, type RunPlace } from '../adapters/runs/place.ts';
import { DETACHED_VARIABLE, startSupervisor } from '../adapters/runs/start.ts';
import { readRun } from '../adapters/runs/state.ts';
import type { Images } from './images.ts';
import type { PlannedCommand } from './plan-commands.ts';
import { report } from './quick.ts';
import { superviseAny } from './run-supervise.ts';
import { type Session, say } from './session.ts';

/** Over it our starter is told that all runs. */
const TELL_FD = 3;

/** True in the process that supervises; the programs that it starts are not told. */
export const isSupervisor = process.env[DETACHED_VARIABLE] !== undefined;
delete process.env[DETACHED_VARIABLE];

const nothing = new AbortController().signal;

function runsAlready(name: string): number {
  return say(
    121,
    `${name} is running already: vagga _logs ${name}, vagga _stop ${name}, vagga _exec ${name} …`,
  );
}

async function start(place: RunPlace, name: string): Promise<number> {
  if (readRun(place)?.alive) return runsAlready(name);
  place.makeEmpty();
  const started = await startSupervisor(place, name);
  if (started.ok) {
    process.stderr.write(`${name} is running: vagga _logs -f ${name}, vagga _stop ${name}\n`);
    return 0;
  }
  place.remove();
  const { code, errors } = started;
  return say(code, errors.trim() === '' ? `${name} did not start and left no word: vagga _doctor` : errors);
}

/** The part of whoever types the command. */
export async function startDetached(session: Session, { name }: PlannedCommand): Promise<number> {
  const place = detachedPlace(session.layout, name);
  mkdirSync(dirname(place.lock), { recursive: true, mode: 0o700 });
  const lock = await takeLock(place.lock, 0, nothing);
  if (lock === 'busy') return runsAlready(name);
  if (lock instanceof Error) return say(121, lock.message);
  try {
    return await start(place, name);
  } finally {
    await lock.release();
  }
}

/** The part of the supervisor. Its stderr is a file that the starter shows when this ends at once. */
export async function runSupervisor(
  session: Session,
  planned: PlannedCommand,
  images: Images,
): Promise<number> {
  const made = await superviseAny(session, planned, images);
  if ('kind' in made) return report(made);
  const place = detachedPlace(session.layout, planned.name);
  const started = () => {
    try {
      writeSync(TELL_FD, 'started\n');
    } catch {
      // The starter was interrupted: it runs all the same, as _ps shows.
    }
    closeSync(TELL_FD);
  };
  const code = await superviseDetached(place, { command: planned.name, ...made }, started);
  await made.network?.close();
  return code;
}
