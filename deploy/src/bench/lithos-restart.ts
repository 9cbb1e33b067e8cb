import { type Fleet, kill } from './fleet/fleet.ts';
import { type Fleets, makeFleets } from './fleet/fleets.ts';
import { sleepers, until } from './fleet/processes.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';

// From SIGKILL of a supervised program until the next one has said its first word, which it writes into a fifo: the
// stopwatch ends when the new program runs, not when a supervisor believes so.

async function running(fleet: Fleet): Promise<number> {
  return await until(`the program of ${fleet.name} sleeps`, () => sleepers(fleet.tag)[0]);
}

async function restarted(fleet: Fleet): Promise<Contender> {
  await fleet.prepare(1);
  const first = fleet.words.next();
  await fleet.start();
  await first;
  const run = async () => {
    const victim = await running(fleet);
    const word = fleet.words.next();
    const startedMs = performance.now();
    kill(victim);
    await word;
    return performance.now() - startedMs;
  };
  return { name: fleet.name, role: fleet.role, run };
}

/** The limit: the bare runtime is asked for the next container at the moment of the kill. */
function asked(fleet: Fleets['raw']): Contender {
  const run = async () => {
    const word = fleet.words.next();
    const startedMs = performance.now();
    const made = fleet.one();
    await word;
    const elapsedMs = performance.now() - startedMs;
    await made;
    await running(fleet);
    await fleet.stop();
    return elapsedMs;
  };
  return { name: fleet.name, role: 'raw', run };
}

async function prepare(defer: Defer): Promise<Prepared> {
  const { runtime, ours, raw, peers } = await makeFleets(defer);
  const contenders = [await restarted(ours), asked(raw)];
  for (const peer of peers) contenders.push(await restarted(peer));
  const notes = [
    ...runtime.reasons,
    'bar for ours: median ≤ 20 ms with crun',
    'supervisord looks once a second; s6 and runsv wait a second when a program lived less than one',
  ];
  return { contenders, notes };
}

export const lithosRestart: Bench = {
  name: 'lithos-restart',
  summary: 'SIGKILL of a supervised program until its successor runs',
  rounds: 20,
  prepare,
};
