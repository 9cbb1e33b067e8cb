// Damaged files of all four kinds through the whole reader: diagnostics, each inside its file, and nothing else.
// Repeat one with `SUITE_SEED=N`, N as printed; SUITE_FUZZ_RUNS changes how many of each kind are made.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostic, Schema } from '@suite/shared/schema/index.ts';
import { mutate, SimDisk, seededRandom } from '@suite/shared/sim/index.ts';
import t from 'tap';
import { loadMaster } from '../../src/adapters/load-master.ts';
import { loadSandbox } from '../../src/adapters/load-sandbox.ts';
import { hostPaths } from '../../src/adapters/paths.ts';
import { readConfig, type Texts } from '../../src/adapters/read-yaml.ts';
import { containerSchema } from '../../src/config/container.ts';
import { masterSchema } from '../../src/config/master.ts';
import { sandboxSchema } from '../../src/config/sandbox.ts';
import { processesSchema, value } from '../configs.ts';
import { KINDS, type Kind, type Sample, samples } from '../samples.ts';

t.setTimeout(600_000);

const RUNS = Number(process.env.SUITE_FUZZ_RUNS ?? 20_000);
const FIRST_SEED = Number(process.env.SUITE_SEED ?? 1);
/** Reading takes 10 to 40 ms on a quiet machine, each figure is printed; what grows faster than the file takes seconds. */
const BLOW_UP_MS = 500;
const TIMED_FILES = 25;
/** Ten times what a file that means something may take. */
const ODD_MS = 3_000;

const root = mkdtempSync(join(tmpdir(), 'lithos-fuzz-'));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const image = join(root, 'images/app.1');
for (const name of ['config', 'bin', 'srv', 'proc', 'sys', 'dev', 'ro', 'data', 'tmp', 'state'])
  mkdirSync(join(image, name), { recursive: true });
mkdirSync(join(root, 'data'));
writeFileSync(join(image, 'bin/app'), '#!/bin/sh\n', { mode: 0o755 });
// Looked up in the image, then read from the disk of the test.
writeFileSync(join(image, 'config/web.yaml'), '');
const other = join(image, 'config/other.yaml');
writeFileSync(other, '');

const FILES: Readonly<Record<Kind, string>> = {
  master: join(root, 'master.yaml'),
  sandbox: join(root, 'sandboxes/box.yaml'),
  process: join(root, 'processes/box.yaml'),
  container: join(image, 'config/web.yaml'),
};
const SCHEMAS: Readonly<Record<Exclude<Kind, 'master'>, Schema<unknown>>> = {
  sandbox: sandboxSchema,
  process: processesSchema,
  container: containerSchema,
};
const SAMPLES = samples(root);
const paths = hostPaths(FILES.master, value(masterSchema, SAMPLES[0]?.master ?? ''));

interface Said {
  readonly found: readonly Diagnostic[];
  readonly texts: Texts;
}

/** The damaged file alone, by its schema. */
async function readAlone(kind: Kind, disk: SimDisk): Promise<Said & { ok: boolean }> {
  const texts: Texts = new Map();
  if (kind === 'master') {
    const master = await loadMaster(disk, FILES.master, texts);
    return { found: master.ok ? master.value.warnings : master.errors, texts, ok: false };
  }
  const decoded = await readConfig(disk, SCHEMAS[kind], FILES[kind], texts);
  return { found: decoded.ok ? decoded.warnings : decoded.errors, texts, ok: decoded.ok };
}

async function diskWith(kind: Kind, bytes: Buffer, sample: Sample): Promise<SimDisk> {
  const disk = new SimDisk();
  for (const each of KINDS) await disk.writeAtomic(FILES[each], each === kind ? bytes : sample[each]);
  await disk.writeAtomic(other, 'executable: /bin/app\n');
  return disk;
}

/** Everything that reading the host says when one of its files is `bytes`. What is no file of its kind stops there. */
async function read(kind: Kind, bytes: Buffer, sample: Sample): Promise<Said> {
  const disk = await diskWith(kind, bytes, sample);
  const alone = await readAlone(kind, disk);
  if (!alone.ok) return alone;
  const texts: Texts = new Map();
  return { found: (await loadSandbox(disk, paths, 'box', texts)).diagnostics, texts };
}

/** What is wrong with the place of a diagnostic; undefined when it is inside its file. */
function misplaced({ file, line, column, endColumn }: Diagnostic, texts: Texts): string | undefined {
  const lines = (texts.get(file) ?? '').split('\n');
  const text = lines[line - 1];
  if (text === undefined) return `line ${line} of ${lines.length}`;
  const isInside = column >= 1 && column <= text.length + 1 && (endColumn ?? column) <= text.length + 1;
  return isInside ? undefined : `column ${column}–${endColumn} of ${text.length} in line ${line}`;
}

interface Outcome {
  readonly problem: string | undefined;
  readonly count: number;
}

async function tryOne(kind: Kind, bytes: Buffer, sample: Sample): Promise<Outcome> {
  try {
    const { found, texts } = await read(kind, bytes, sample);
    const bad = found.find(item => misplaced(item, texts) !== undefined || item.message === '');
    const problem = bad === undefined ? undefined : `${bad.code} ${bad.message}: ${misplaced(bad, texts)}`;
    return { problem, count: found.length };
  } catch (error) {
    return { problem: `exception: ${(error as Error).stack}`, count: 0 };
  }
}

for (const kind of KINDS) {
  t.test(
    `${kind}: the samples are valid, and every damaged one gives diagnostics inside the file`,
    async t => {
      for (const sample of SAMPLES) {
        const { found } = await read(kind, Buffer.from(sample[kind]), sample);
        t.same(
          found.filter(item => item.severity === 'error'),
          [],
        );
      }
      const whole = SAMPLES.flatMap(sample => Object.values(sample)).map(text => Buffer.from(text));
      const failures: string[] = [];
      let refused = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS && failures.length < 5; seed++) {
        const sample = SAMPLES[seed % SAMPLES.length] as Sample;
        const bytes = mutate(seededRandom(seed), Buffer.from(sample[kind]), whole);
        const { problem, count } = await tryOne(kind, bytes, sample);
        if (count > 0) refused++;
        if (problem !== undefined)
          failures.push(`seed ${seed}: ${problem}\n${bytes.toString().slice(0, 2000)}`);
      }
      t.same(failures, []);
      t.comment(`${RUNS} files, ${refused} with diagnostics`);
      t.ok(refused > RUNS / 4, 'the damage was noticed often enough to prove something');
    },
  );
}

/** The lines of a valid file again and again, under other names, to about 100 kB. */
function large(kind: Kind): string {
  const many = (count: number, line: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');
  switch (kind) {
    case 'master':
      return `${SAMPLES[0]?.master}_notes:\n${many(2_400, index => `- some words about something, ${index}`)}\n`;
    case 'sandbox':
      return `${SAMPLES[0]?.sandbox}readonly-paths:\n${many(2_400, index => `  /virtual/${index}: /host/path/${index}`)}\n`;
    case 'process':
      return `${many(800, index => `p${index}:\n  image: app.1\n  config: /config/other.yaml\n  instances: 2\n  variables: {port: "8${index}", stage: live}\n  ip-addresses: [10.0.0.2, 10.0.0.3]`)}\n`;
    case 'container':
      return `${SAMPLES[2]?.container}environ:\n${many(2_600, index => `  NAME_${index}: value of @{lithos:name} ${index}`)}\n`;
  }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Time of our own threads, because others use the machine too; the better of two, because collecting garbage is not reading. */
async function millisecondsPer100kB(kind: Kind, bytes: Buffer, sample: Sample): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 2; run++) {
    const disk = await diskWith(kind, bytes, sample);
    const started = process.cpuUsage();
    if (kind === 'master') await loadMaster(disk, FILES.master, new Map());
    else await loadSandbox(disk, paths, 'box', new Map());
    const { user, system } = process.cpuUsage(started);
    times.push((user + system) / 1000);
  }
  return (Math.min(...times) * 100_000) / bytes.length;
}

/** The figure is for a quiet machine and printed; what fails here is work that grows faster than the file. */
t.test('§2.0 reading-time: 100 kB of a damaged file take some tens of milliseconds', async t => {
  for (const kind of KINDS) {
    const sample = SAMPLES[kind === 'container' || kind === 'process' ? 2 : 0] as Sample;
    const original = Buffer.from(large(kind));
    const times: number[] = [];
    for (let seed = 1; seed <= TIMED_FILES; seed++)
      times.push(await millisecondsPer100kB(kind, mutate(seededRandom(seed), original, [original]), sample));
    t.comment(
      `${kind}: ${original.length} bytes, median ${median(times).toFixed(1)} ms per 100 kB, worst ${Math.max(...times).toFixed(1)}`,
    );
    t.ok(median(times) < BLOW_UP_MS, `${kind}: ${median(times).toFixed(1)} ms`);
  }
});

/** What is worth a long look by being odd: brackets, anchors, unknown keys, undeclared variables, each 100 kB of it. */
const ODD: Readonly<Record<string, string>> = {
  brackets: `_x: ${'['.repeat(100_000)}`,
  mappings: `_x: ${'{a: '.repeat(25_000)}`,
  dashes: '- '.repeat(50_000),
  anchors: `_x: ${'&a '.repeat(33_000)}`,
  'control characters': '\u0001'.repeat(100_000),
  'unknown keys': Array.from({ length: 7_000 }, (_, index) => `unknown${index}: 1`).join('\n'),
  'undeclared variables': `executable: /bin/app\narguments:\n${Array.from({ length: 6_000 }, (_, index) => `- "@{v${index}}"`).join('\n')}\nvariables:\n${Array.from({ length: 900 }, (_, index) => `  w${index}: !Name`).join('\n')}`,
};

t.test('no file of 100 kB takes seconds, however odd', async t => {
  for (const [what, text] of Object.entries(ODD)) {
    for (const kind of KINDS) {
      const ms = await millisecondsPer100kB(kind, Buffer.from(text), SAMPLES[0] as Sample);
      t.ok(ms < ODD_MS, `${what} as a ${kind} file: ${ms.toFixed(0)} ms`);
    }
  }
});
