import { forEachSeed, reproLine, simSeeds } from '@suite/shared/sim/index.ts';
import t from 'tap';
import { ELECTION } from '../../src/config/defaults.ts';
import { step } from '../../src/core/election/step.ts';
import { type RunReport, runCluster, SAMPLE_MS } from './election-faults.ts';
import { FAULTY } from './election-faulty.ts';

const FILE = 'verwalter/test/sim/election.test.ts';
const SEEDS_PER_COMMIT = 2_000;
const SEEDS = process.env.SUITE_SOAK === '1' ? 40_000 : SEEDS_PER_COMMIT;
/** A mutant that survives this many clusters would be a hole in the checker. */
const SEEDS_PER_MUTANT = 60;
const CORE_LIMIT_MS = 60_000;

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

t.test('one leader per epoch and component, under every fault', async t => {
  const seeds = simSeeds(SEEDS);
  const reports: RunReport[] = [];
  const startedCpu = process.cpuUsage();
  forEachSeed(FILE, seeds, seed => {
    reports.push(runCluster({ seed, step }));
  });
  const cpu = process.cpuUsage(startedCpu);
  // Of one core: on a busy machine the wall clock says nothing about us.
  const coreMs = (cpu.user + cpu.system) / 1000;
  const settled = reports.flatMap(report => report.settledMs).sort((one, two) => one - two);
  const leaderless = settled.filter(ms => ms > SAMPLE_MS);
  const timeouts = (share: number) => (percentile(leaderless, share) / ELECTION.timeoutMaxMs).toFixed(2);
  const faults: Record<string, number> = {};
  for (const report of reports) {
    for (const [kind, count] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + count;
  }
  const leaders = reports.reduce((sum, report) => sum + report.leaders, 0);
  t.comment(
    `${seeds.length} seeds x 10 simulated minutes in ${(coreMs / 1000).toFixed(1)} s of one core, ${leaders} leaders elected`,
  );
  t.comment(
    `${leaderless.length} of ${settled.length} quiet phases began without a leader everybody follows; time to it: ` +
      `p50 ${timeouts(0.5)}, p99 ${timeouts(0.99)}, max ${timeouts(1)} election timeouts`,
  );
  t.comment(`faults: ${JSON.stringify(faults)}`);
  t.comment(`REPRO: ${reproLine(FILE, seeds[0] as number)}`);
  t.equal(settled.length, seeds.length * 5, 'every quiet phase ended with a leader');
  if (seeds.length < SEEDS) return;
  // The run only counts when the faults were really there and leaders were really elected again and again.
  for (const kind of [
    'lost',
    'duplicated',
    'cut',
    'delayed phase',
    'crash',
    'power cut',
    'pause',
    'wall jump',
    'halves',
  ]) {
    t.ok((faults[kind] ?? 0) > seeds.length / 10, `fault happened: ${kind} (${faults[kind]})`);
  }
  t.ok(leaders > seeds.length * 5, `${leaders} leaders elected`);
  if (seeds.length === SEEDS_PER_COMMIT) t.ok(coreMs < CORE_LIMIT_MS, `${Math.round(coreMs)} ms`);
});

t.test('the same seed gives the same run', async t => {
  t.same(runCluster({ seed: 7, step }), runCluster({ seed: 7, step }));
});

t.test('the checker catches a broken core', async t => {
  for (const { name, promise, ...options } of FAULTY) {
    let caught: string | undefined;
    for (let seed = 1; seed <= SEEDS_PER_MUTANT && caught === undefined; seed++) {
      try {
        runCluster({ seed, step, ...options });
      } catch (error) {
        caught = error instanceof Error ? error.message : String(error);
      }
    }
    t.match(caught, promise, name);
  }
});
