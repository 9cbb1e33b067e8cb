import { type Fleet, stopWhole } from './fleet/fleet.ts';
import { makeFleets } from './fleet/fleets.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';

// A host comes up: from the start of the supervisor until the hundredth program has said its first word.

const COUNT = 100;

function contender(fleet: Fleet): Contender {
  const run = async () => {
    await fleet.prepare(COUNT);
    const words = fleet.words.next(COUNT);
    const startedMs = performance.now();
    await Promise.all([fleet.start(), words]);
    const elapsedMs = performance.now() - startedMs;
    await stopWhole(fleet);
    return elapsedMs;
  };
  return { name: fleet.name, role: fleet.role, run };
}

async function prepare(defer: Defer): Promise<Prepared> {
  const { runtime, ours, raw, peers } = await makeFleets(defer);
  const notes = [...runtime.reasons, 'bar for ours: at most 1.5 × raw', 'podman: four at a time'];
  return { contenders: [ours, raw, raw.together, ...peers].map(contender), notes };
}

export const lithosStart100: Bench = {
  name: 'lithos-start-100',
  summary: `${COUNT} containers, from the supervisor's own start until all of them run`,
  rounds: 5,
  prepare,
};
