// How crun holds back the program of a created container: its first process waits for a byte in the fifo `exec.fifo` of
// the container's state directory, and `crun start` removes the fifo and writes that byte. Doing so ourselves saves a
// process (3 ms). runc uses the same name the other way round, and nobody has promised to keep it: so it is tried first.
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../linux/proc.ts';
import { writeBundle } from './bundle.ts';
import { toOciConfig } from './config.ts';
import type { RuntimeChoice } from './probe.ts';
import { hostImage, type TrialPlace, trialCall, trialSpec } from './trial.ts';

/** A container starts in 5–15 ms; on a machine that needs longer a process more does not matter. */
const TRIAL_TIMEOUT_MS = 2_000;
const WORD = 'started';
/** With the pid of whoever makes the trial. */
const TRIAL_NAME = /^barrier-trial-(\d+)-\w+$/;

/**
 * Lets the program of a created container run. False: nobody waits at the barrier (the container has ended, runs already
 * or was made by another runtime), and nothing was changed; `runtime.start` knows the reason.
 */
export function openBarrier(stateRoot: string, id: string): boolean {
  const fifo = join(stateRoot, id, 'exec.fifo');
  let fd: number | undefined;
  try {
    // Without waiting for a reader: a container that was killed has none.
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    unlinkSync(fifo);
    return writeSync(fd, '\0') === 1;
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Resolves to whether the created container says its word once the barrier is open, and not before. */
function speaksBehindBarrier(argv: readonly string[], open: () => boolean): Promise<boolean> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  return new Promise(resolve => {
    let isOpen = false;
    const finish = (proven: boolean) => {
      clearTimeout(timer);
      child.stdout.destroy();
      resolve(proven);
    };
    const timer = setTimeout(() => finish(false), TRIAL_TIMEOUT_MS);
    child.once('error', () => finish(false));
    child.once('exit', code => {
      isOpen = code === 0 && open();
      if (!isOpen) finish(false);
    });
    child.stdout.once('data', chunk => finish(isOpen && String(chunk).startsWith(WORD)));
    child.stdout.once('end', () => finish(false));
  });
}

/**
 * What one left that was killed in the middle of its trial (an earlier program in this very process, too): a container
 * that waits at the barrier for ever. One that is still being made fails without its directory.
 */
async function sweepTrials(choice: RuntimeChoice, place: TrialPlace, parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = TRIAL_NAME.exec(name)?.[1];
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    const stateRoot = join(parent, name, 'state');
    for (const id of await readdir(stateRoot).catch(() => []))
      await ended(choice.wrap([...trialCall(choice, place, stateRoot), 'delete', '--force', id]));
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Whether `openBarrier` works with this runtime: makes one container and lets it run. Costs as much as its start. */
export async function provesBarrier(choice: RuntimeChoice, place: TrialPlace): Promise<boolean> {
  if (choice.kind === 'runc') return false;
  const parent = place.workDirectory ?? tmpdir();
  await sweepTrials(choice, place, parent);
  const directory = await mkdtemp(join(parent, `barrier-trial-${process.pid}-`));
  const id = `barrier-${process.pid}-${performance.now().toString(36).replace('.', '')}`;
  const cgroupPath = place.cgroupParent === undefined ? undefined : `${place.cgroupParent}/${id}`;
  const stateRoot = join(directory, 'state');
  const call = (...args: string[]) => choice.wrap([...trialCall(choice, place, stateRoot), ...args]);
  try {
    const spec = trialSpec(join(directory, 'root'), await hostImage(join(directory, 'root')), cgroupPath);
    const args = ['/bin/sh', '-c', `echo ${WORD}`];
    await writeBundle(directory, toOciConfig({ ...spec, args }));
    return await speaksBehindBarrier(call('create', '--bundle', directory, id), () =>
      openBarrier(stateRoot, id),
    );
  } finally {
    await ended(call('delete', '--force', id));
    await rm(directory, { recursive: true, force: true });
  }
}

function ended(argv: readonly string[]): Promise<void> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: 'ignore', timeout: TRIAL_TIMEOUT_MS });
  return new Promise(resolve => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
