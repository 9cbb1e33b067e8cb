import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { timedRun } from './timed.ts';

// A big container: 700 MB in 30,000 files by twelve steps. The last one is edited, then a command runs. What vagga itself adds
// is the difference to running the same command without an edit and to a step alone (a container run).

const VAGGA = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/vagga');
const FILES =
  'for d in $(seq 40); do mkdir -p $D/$d; for f in $(seq 100); do head -c 23000 /dev/urandom > $D/$d/$f; done; done';

const bulk = Array.from({ length: 7 }, (_, index) => `    - !Sh "D=/data/${index}; ${FILES}"\n`).join('');

const project = (edit: number) => `containers:
  big:
    setup:
    - !EnsureDir /bin
    - !Copy { source: /work/busybox, path: /bin/sh }
    - !Copy { source: /work/busybox, path: /bin/busybox }
    - !Sh /bin/busybox --install -s /bin
${bulk}    - !Sh echo ${edit} > /edit
  tiny:
    setup:
    - !EnsureDir /bin
    - !Copy { source: /work/busybox, path: /bin/true }
commands:
  big: !Command { container: big, run: [/bin/true] }
  tiny: !Command { container: tiny, run: [/bin/true] }
`;

/** The plain directory of the image is made after the command has begun; the next edit must not meet that. */
async function isWhole(directory: string): Promise<void> {
  while (!existsSync(join(directory, '.vagga/big/edit'))) await pause(50);
}

async function prepare(defer: Defer): Promise<Prepared> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-layers-'));
  defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 }));
  copyFileSync('/bin/busybox', join(directory, 'busybox'));
  let count = 0;
  const edit = () => writeFileSync(join(directory, 'vagga.yaml'), project(++count));
  const run = (...words: string[]) => timedRun([VAGGA, ...words], { cwd: directory });
  edit();
  run('_build', 'big');
  run('_build', 'tiny');
  const edited = (name: string, words: readonly string[]): Contender => ({
    name,
    role: 'ours',
    run: async () => {
      edit();
      const ms = run(...words);
      await isWhole(directory);
      // Old versions would fill the disk in some rounds.
      run('_clean', '--old');
      return ms;
    },
  });
  return {
    contenders: [
      edited('edit the last step, run a command', ['big']),
      edited('edit the last step, _build (with the plain directory)', ['_build', 'big']),
      { name: 'run without an edit', role: 'raw', run: () => run('tiny') },
    ],
    notes: ['bar: edit and run ≤ 200 ms + the step and the run (each about one run without an edit)'],
  };
}

export const vaggaLayers: Bench = {
  name: 'vagga-layers',
  summary: 'editing the last of 12 steps of a container of 700 MB in 30,000 files',
  rounds: 8,
  prepare,
};
