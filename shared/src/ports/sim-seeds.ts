/** A seed count above this is a typing mistake: it would run for days. */
const MAX_SEEDS = 10_000_000;

function numberFrom(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > Number.MAX_SAFE_INTEGER / 1024) {
    throw new RangeError(`${name}=${text}: expected a whole number`);
  }
  return value;
}

/**
 * The seeds of this run: 1, 2, … `defaultCount`; SIM_SEED names the first one and (without SIM_SEEDS) the only one,
 * SIM_SEEDS how many.
 */
export function simSeeds(defaultCount: number): number[] {
  const first = numberFrom('SIM_SEED');
  const count = Math.min(numberFrom('SIM_SEEDS') ?? (first === undefined ? defaultCount : 1), MAX_SEEDS);
  return Array.from({ length: count }, (_, index) => (first ?? 1) + index);
}

/** The command that repeats one run. `testFile`: path or URL of the test, compiled or not. */
export function reproLine(testFile: string, seed: number): string {
  const [, owner] = /([^/]+)\/(?:dist\/)?test\/sim\//.exec(testFile) ?? [];
  const name = (testFile.split('/').at(-1) ?? '').replace(/\.test\.\w+$/, '');
  return `npm run sim -- ${owner === undefined ? name : `${owner}/test/sim/${name}`} --seed ${seed}`;
}

/** Runs each seed; the first failure is thrown with the line that repeats it. */
export function forEachSeed(testFile: string, seeds: readonly number[], run: (seed: number) => void): void {
  for (const seed of seeds) {
    try {
      run(seed);
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Error(`seed ${seed}: ${reason}\nrepeat with: ${reproLine(testFile, seed)}`, { cause: error });
    }
  }
}
