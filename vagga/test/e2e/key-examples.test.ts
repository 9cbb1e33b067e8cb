// The projects that keys.md links to do what they say: each command prints what stands above it. Their Debian is replaced by
// BusyBox here, which has all the programs that they use.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';
import { USER_GID, USER_UID } from './rig-user.ts';

const PROJECTS = join(process.env.SUITE_ROOT ?? '', 'vagga/docs/key-examples');
const DEBIAN = '    - !Debian bookworm\n    - !Install [busybox]\n';
const BUSYBOX = `    - !EnsureDir /bin
    - !EnsureDir /etc
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh /bin/busybox --install -s /bin
`;

interface Example {
  readonly name: string;
  readonly prints: readonly string[];
}

const examplesIn = (text: string): Example[] =>
  [...text.matchAll(/((?: {2}# prints: .*\n)+) {2}(\S+): !/g)].map(([, said = '', name = '']) => ({
    name,
    prints: said
      .trimEnd()
      .split('\n')
      .map(line => line.slice('  # prints: '.length)),
  }));

for (const project of readdirSync(PROJECTS))
  t.test(`${project}: every command prints what it says`, async t => {
    const rig = new Rig({ as: 'user' });
    t.teardown(() => rig.remove());
    const copied = (path: string) => readFileSync(join(PROJECTS, project, path), 'utf8');
    cpSync(join(PROJECTS, project), rig.root, { recursive: true });
    execFileSync('chown', ['-R', `${USER_UID}:${USER_GID}`, rig.root]);
    copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
    const main = copied('vagga.yaml');
    t.match(main, DEBIAN);
    rig.write('vagga.yaml', main.replace(DEBIAN, BUSYBOX));
    const files = readdirSync(rig.root).filter(name => name.endsWith('.yaml'));
    const examples = files.flatMap(name => examplesIn(rig.read(name)));
    const shown = Object.keys(JSON.parse(rig.run('_dump_config').stdout).commands);
    t.same(examples.map(({ name }) => name).sort(), shown.filter(name => !name.startsWith('_')).sort());
    for (const { name, prints } of examples) {
      const { stdout, stderr } = rig.run(name);
      for (const line of prints) t.match(stdout + stderr, line, `${name}: ${line}`);
    }
  });
