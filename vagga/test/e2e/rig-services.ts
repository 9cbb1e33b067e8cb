// A project whose container holds nothing but BusyBox, for tests of what runs in it.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rig, type RigOptions } from './rig.ts';

const DIRECTORIES = ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'work'];

const CONTAINER = `containers:
  tiny:
    environ: {PATH: /bin}
    setup:
${DIRECTORIES.map(name => `    - !EnsureDir /${name}`).join('\n')}
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh "/bin/busybox --install -s /bin"
`;

/** `commands`: the lines below `commands:`; their container is `tiny`. Built when it returns. */
export function serviceRig(commands: string, options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  rig.write('vagga.yaml', `${CONTAINER}commands:\n${commands}`);
  const built = rig.run('_build', 'tiny');
  if (built.code !== 0) throw new Error(built.stderr);
  return rig;
}
