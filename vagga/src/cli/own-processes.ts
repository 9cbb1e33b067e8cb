// Processes that vagga starts of its own program: the first word of their command line says what they are for.
import { AFTER_BUILD, type AfterBuild, doAfterBuild } from '../adapters/image/after-build.ts';
import { RELAY, relayUntilClosed } from '../adapters/network/relay.ts';
import { LOOK_FROM_INSIDE, lookUntilReady } from '../adapters/ready/inside.ts';
import { FLUSH, flush } from '../adapters/storage/flush.ts';
import { SWEEP, sweepAfterGrace } from '../adapters/supervise/watchdog.ts';

type Work = (words: readonly string[]) => void | Promise<void>;

const PROCESSES: Readonly<Record<string, Work>> = {
  [AFTER_BUILD]: ([request = '']) => {
    const work: AfterBuild = JSON.parse(request);
    doAfterBuild(work);
    flush(work.places);
  },
  [FLUSH]: ([places = '']) => flush(JSON.parse(places)),
  [LOOK_FROM_INSIDE]: ([readiness = '']) => lookUntilReady(readiness),
  [RELAY]: relayUntilClosed,
  [SWEEP]: ([running = '', engine = '']) => sweepAfterGrace(running, JSON.parse(engine)),
};

/** The exit code, or undefined when the words are those of a user. */
export async function ownProcess([name = '', ...words]: readonly string[]): Promise<number | undefined> {
  const work = Object.hasOwn(PROCESSES, name) ? PROCESSES[name] : undefined;
  if (work === undefined) return undefined;
  await work(words);
  return 0;
}
