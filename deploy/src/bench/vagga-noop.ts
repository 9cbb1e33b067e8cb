import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildahBuild, removeWithStore } from './buildah.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { timedRun } from './timed.ts';

// How long it takes to see that nothing has to be built, when 10,000 files of the project count. Every one of them must be looked
// at: an edit in place changes nothing but the file. `find` does just that, in C.

const DIRECTORIES = 100;
const FILES = 100;

const PROJECT = `containers:
  many:
    setup:
    - !EnsureDir /bin
    - !Depends src
  few:
    setup:
    - !EnsureDir /bin
    - !Depends vagga.yaml
`;

const DOCKERFILE = 'FROM scratch\nCOPY src /src\n';

function makeProject(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bench-noop-'));
  writeFileSync(join(directory, 'vagga.yaml'), PROJECT);
  writeFileSync(join(directory, 'Dockerfile'), DOCKERFILE);
  copyFileSync('/bin/busybox', join(directory, 'busybox'));
  for (let outer = 0; outer < DIRECTORIES; outer++) {
    const place = join(directory, 'src', `directory-${outer}`);
    mkdirSync(place, { recursive: true });
    for (let inner = 0; inner < FILES; inner++)
      writeFileSync(join(place, `module_${inner}.py`), `# ${outer} ${inner}\n`);
  }
  return directory;
}

async function prepare(defer: Defer): Promise<Prepared> {
  const cwd = makeProject();
  defer(() => removeWithStore(cwd));
  const vagga = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/vagga');
  const contender = (name: string, role: Contender['role'], argv: readonly string[]): Contender => {
    timedRun(argv, { cwd });
    return { name, role, run: () => timedRun(argv, { cwd }) };
  };
  return {
    contenders: [
      contender('vagga _build, 10,000 files', 'ours', [vagga, '_build', 'many']),
      contender('find: the same files', 'raw', ['find', 'src', '-newercc', 'busybox', '-size', '+1G']),
      contender('vagga _build, 1 file', 'peer', [vagga, '_build', 'few']),
      contender('buildah build --layers', 'peer', buildahBuild(cwd, 'many')),
      contender('node, empty program', 'peer', [process.execPath, '-e', '']),
    ],
    notes: ['bar: 10,000 files ≤ 60 ms'],
  };
}

export const vaggaNoop: Bench = {
  name: 'vagga-noop',
  summary: 'seeing that an image with 10,000 dependency files is up to date',
  rounds: 20,
  prepare,
};
