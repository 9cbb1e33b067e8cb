import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { timedRun } from './timed.ts';

// A minimal Debian from packages that are downloaded already: vagga's whole build, plain directory and list of packages
// included, against mmdebstrap alone with the same variant and options.

const VAGGA = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/vagga');
const PROJECT = 'containers:\n  base:\n    setup:\n    - !Debian bookworm\n';
const ARCHIVES = '"$1"/var/cache/apt/archives';

/** Files that say where the machine's own packages come from; mmdebstrap takes their paths. */
function sources(): string[] {
  const directory = '/etc/apt/sources.list.d';
  const more = existsSync(directory)
    ? readdirSync(directory)
        .filter(name => /\.(list|sources)$/.test(name))
        .map(name => join(directory, name))
    : [];
  return ['/etc/apt/sources.list', ...more].filter(
    path => existsSync(path) && /^(deb|Types)/m.test(readFileSync(path, 'utf8')),
  );
}

function mmdebstrap(directory: string): Contender {
  const cache = join(directory, 'debs');
  const target = join(directory, 'root');
  mkdirSync(cache);
  const argv = [
    'mmdebstrap',
    '--variant=minbase',
    '--format=directory',
    '--dpkgopt=force-unsafe-io',
    '--aptopt=Acquire::Languages "none"',
    `--setup-hook=mkdir -p ${ARCHIVES}; for deb in ${cache}/*.deb; do [ ! -e "$deb" ] || cp -ln "$deb" ${ARCHIVES}/; done`,
    '--skip=download/empty',
    '--skip=essential/unlink',
    `--customize-hook=cp -ln ${ARCHIVES}/*.deb ${cache}/ || true`,
    'bookworm',
    target,
    ...sources(),
  ];
  return {
    name: 'mmdebstrap',
    role: 'raw',
    run: () => {
      rmSync(target, { recursive: true, force: true });
      return timedRun(argv);
    },
  };
}

async function prepare(defer: Defer): Promise<Prepared> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-build-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'vagga.yaml'), PROJECT);
  const ours: Contender = {
    name: 'vagga _build --force',
    role: 'ours',
    run: () => timedRun([VAGGA, '_build', '--force', 'base'], { cwd: directory }),
  };
  return {
    contenders: [ours, mmdebstrap(directory)],
    notes: ['bar: vagga ≤ 1.05 × mmdebstrap'],
  };
}

export const vaggaBuild: Bench = {
  name: 'vagga-build',
  summary: 'a minimal Debian from downloaded packages, against mmdebstrap alone',
  rounds: 5,
  prepare,
};
