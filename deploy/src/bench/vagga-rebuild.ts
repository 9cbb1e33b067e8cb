import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildahBuild, removeWithStore } from './buildah.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { timedRun } from './timed.ts';

// One edited step of a small container, and nothing edited at all: vagga's step cache against buildah with layers. Both have
// the same steps, and the edited one is the last of five.

const VAGGA = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/vagga');

const vaggaFile = (edit: number) => `containers:
  tiny:
    setup:
    - !EnsureDir /bin
    - !Copy { source: /work/busybox, path: /bin/sh }
    - !Copy { source: /work/busybox, path: /bin/busybox }
    - !Sh /bin/busybox mkdir /one
    - !Sh /bin/busybox touch /edit-${edit}
`;

const dockerFile = (edit: number) => `FROM scratch
COPY busybox /bin/sh
COPY busybox /bin/busybox
RUN /bin/busybox mkdir /one
RUN /bin/busybox touch /edit-${edit}
`;

function contender(
  name: string,
  role: Contender['role'],
  edit: () => void,
  argv: string[],
  cwd: string,
): Contender {
  return {
    name,
    role,
    run: () => {
      edit();
      return timedRun(argv, { cwd });
    },
  };
}

function makeProject(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bench-rebuild-'));
  copyFileSync('/bin/busybox', join(directory, 'busybox'));
  writeFileSync(join(directory, 'vagga.yaml'), vaggaFile(0));
  writeFileSync(join(directory, 'Dockerfile'), dockerFile(0));
  return directory;
}

async function prepare(defer: Defer): Promise<Prepared> {
  const [edited, same] = [makeProject(), makeProject()];
  for (const directory of [edited, same]) defer(() => removeWithStore(directory));
  const vagga = [VAGGA, '_build', 'tiny'];
  for (const directory of [edited, same]) {
    timedRun(vagga, { cwd: directory });
    timedRun(buildahBuild(directory, 'tiny'), { cwd: directory });
  }
  let count = 0;
  const edit = (name: string, text: (edit: number) => string) => () =>
    writeFileSync(join(edited, name), text(++count));
  return {
    contenders: [
      contender('vagga _build, last step edited', 'ours', edit('vagga.yaml', vaggaFile), vagga, edited),
      contender(
        'buildah, last step edited',
        'peer',
        edit('Dockerfile', dockerFile),
        buildahBuild(edited, 'tiny'),
        edited,
      ),
      contender('vagga _build, nothing edited', 'ours', () => {}, vagga, same),
      contender('buildah, nothing edited', 'peer', () => {}, buildahBuild(same, 'tiny'), same),
    ],
    notes: ['bar: vagga faster than buildah in both'],
  };
}

export const vaggaRebuild: Bench = {
  name: 'vagga-rebuild',
  summary: 'a rebuild after an edit of one step, and after none, against buildah with layers',
  rounds: 15,
  prepare,
};
