// Damaged configs through the whole reader: diagnostics, each inside its file, and nothing else.
// Repeat one with `SUITE_SEED=N`, N as printed; SUITE_FUZZ_RUNS changes how many are made.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutate, seededRandom } from '@suite/shared/sim/index.ts';
import t from 'tap';
import { Reader } from '../../src/adapters/project/reader.ts';
import { loadProject } from '../../src/config/load.ts';
import type { ReadFile } from '../../src/config/read-config.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { dumpConfig } from '../../src/core/dump.ts';
import { listing } from '../../src/core/listing.ts';

t.setTimeout(600_000);

const RUNS = Number(process.env.SUITE_FUZZ_RUNS ?? 20_000);
const SETTINGS_RUNS = RUNS / 10;
const FIRST_SEED = Number(process.env.SUITE_SEED ?? 1);
/** Reading 100 kB takes 50 ms on a quiet machine; what grows faster than the file takes seconds. */
const ODD_MS = 3_000;

const DIRECTORY = join(process.env.SUITE_ROOT ?? '', 'vagga/test/fixtures/projects');

interface Sample {
  readonly root: string;
  readonly bytes: Buffer;
}

const SAMPLES: readonly Sample[] = readdirSync(DIRECTORY)
  .sort()
  .map(name => ({ root: join(DIRECTORY, name), bytes: readFileSync(join(DIRECTORY, name, 'vagga.yaml')) }));
const WHOLE = SAMPLES.map(({ bytes }) => bytes);

const disk = new Map<string, ReturnType<ReadFile>>();
const reader = new Reader();

/** Files beside the damaged one are read once. */
function onDisk(path: string): ReturnType<ReadFile> {
  if (!disk.has(path)) disk.set(path, reader.read(path));
  return disk.get(path);
}

/** What is wrong with a line that says where something is wrong; undefined when the place is inside its file. */
function misplaced(line: string, texts: ReadFile): string | undefined {
  const [, file = '', row = '', column = ''] = /^(.+?):(\d+):(\d+): \S/.exec(line) ?? [];
  if (file === '') return 'it has no place';
  const whole = texts(file);
  const text = typeof whole === 'string' ? whole.split('\n')[Number(row) - 1] : undefined;
  if (text === undefined) return 'its line is not in the file';
  return Number(column) >= 1 && Number(column) <= text.length + 1
    ? undefined
    : 'its column is not in the line';
}

/** Hints are indented; a round of containers ends with a sentence of its own; a skipped mixin may have no place. */
const NO_PLACE =
  /^ {4}\S|^Container ".*" has cyclic dependency$|: Error reading file: |: mixins go round$|without a leading/;
const MIXIN = 'Skipping mixin because of error. Error: ';

function problemOf(said: string, texts: ReadFile): string | undefined {
  for (const line of said.split('\n')) {
    const plain = line.startsWith(MIXIN) ? line.slice(MIXIN.length) : line;
    if (plain === '' || NO_PLACE.test(plain)) continue;
    const problem = misplaced(plain, texts);
    if (problem !== undefined) return `${problem}: ${line}`;
  }
  return undefined;
}

interface Outcome {
  readonly problem: string | undefined;
  readonly refused: boolean;
}

function read({ root }: Sample, text: string): Outcome {
  const main = join(root, 'vagga.yaml');
  const texts = (path: string) => (path === main ? text : onDisk(path));
  const loaded = loadProject(root, main, texts);
  if (!loaded.ok) return { problem: problemOf(loaded.text, texts), refused: true };
  JSON.stringify(dumpConfig(loaded.value.project));
  listing(loaded.value.project);
  const { warnings } = loaded.value;
  return { problem: problemOf(warnings.join('\n'), texts), refused: warnings.length > 0 };
}

/** The first five that break a rule, with the seed that repeats each. */
function tryAll(runs: number, one: (seed: number) => { text: string; outcome: () => Outcome }) {
  const failures: string[] = [];
  let refused = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + runs && failures.length < 5; seed++) {
    const { text, outcome } = one(seed);
    try {
      const found = outcome();
      if (found.refused) refused++;
      if (found.problem !== undefined)
        failures.push(`seed ${seed}: ${found.problem}\n${text.slice(0, 2000)}`);
    } catch (error) {
      failures.push(`seed ${seed}: ${(error as Error).stack}\n${text.slice(0, 2000)}`);
    }
  }
  return { failures, refused };
}

t.test('damaged configs give diagnostics inside their files', async t => {
  for (const sample of SAMPLES)
    t.same(read(sample, sample.bytes.toString()), { problem: undefined, refused: false });
  const { failures, refused } = tryAll(RUNS, seed => {
    const sample = SAMPLES[seed % SAMPLES.length] as Sample;
    const text = mutate(seededRandom(seed), sample.bytes, WHOLE).toString();
    return { text, outcome: () => read(sample, text) };
  });
  t.same(failures, []);
  t.comment(`${RUNS} files, ${refused} refused`);
  t.ok(refused > RUNS / 4, 'the damage was noticed often enough to prove something');
});

const SETTINGS = Buffer.from(`storage-dir: ~/.vagga/storage
cache-dir: /var/cache/vagga
proxy-env-vars: false
external-volumes: {X11: /tmp/.X11-unix}
environ: {A: 1, B: "two"}
propagate-environ: [SSH_*, TERM]
step-cache-size: 10Gi
jobs: 4
site-settings:
  /project:
    ubuntu-mirror: http://mirror.example.org/ubuntu
    build-lock-wait: true
`);

t.test('damaged settings give diagnostics inside their files', async t => {
  const name = '<env:VAGGA_SETTINGS>';
  const { failures, refused } = tryAll(SETTINGS_RUNS, seed => {
    const text = mutate(seededRandom(seed), SETTINGS, [SETTINGS, ...WHOLE]).toString();
    const outcome = () => {
      const loaded = loadSettings([{ name, text, of: 'user' }], '/project');
      return { refused: !loaded.ok, problem: loaded.ok ? undefined : problemOf(loaded.text, () => text) };
    };
    return { text, outcome };
  });
  t.same(failures, []);
  t.ok(refused > SETTINGS_RUNS / 4, `${SETTINGS_RUNS} files, ${refused} refused`);
});

const many = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** 100 kB each of what is worth a long look by being odd. */
const ODD: Readonly<Record<string, string>> = {
  brackets: `_x: ${'['.repeat(100_000)}`,
  mappings: `_x: ${'{a: '.repeat(25_000)}`,
  anchors: `_x: ${'&a '.repeat(33_000)}`,
  'control characters': '\u0001'.repeat(100_000),
  'unknown keys': many(7_000, index => `unknown${index}: 1`),
  'unknown tags': `containers:\n  c:\n    setup:\n${many(6_000, index => `    - !Step${index} x`)}`,
  'paths of volumes': `containers:\n  c:\n    volumes:\n${many(5_000, index => `      mode${index}: !Tmpfs`)}`,
  'blank lines in blocks': `_x: |\n${' '.repeat(50)}\n`.repeat(1_000),
  containers: `containers:\n${many(2_500, index => `  c${index}: {setup: [!Container c${index + 1}]}`)}`,
};

t.test('no config of 100 kB takes seconds, however odd', async t => {
  const [sample] = SAMPLES;
  for (const [what, text] of Object.entries(ODD)) {
    const started = process.cpuUsage();
    t.equal(read(sample as Sample, text).problem, undefined, what);
    const { user, system } = process.cpuUsage(started);
    t.ok((user + system) / 1000 < ODD_MS, `${what}: ${((user + system) / 1000).toFixed(0)} ms`);
  }
});
