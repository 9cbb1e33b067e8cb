// `!Container`, `!Build`, `!SubConfig`: images made of other images and other configs.
import { cpSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, ROOT_AND_USER } from './rig.ts';

const BASE = `  base:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh /bin/busybox --install -s /bin
  source:
    setup:
    - !Container base
    - !Sh |
        mkdir -p /out/lib/deep /out/.git
        echo lib > /out/lib/one; echo deep > /out/lib/deep/two; echo dot > /out/.git/config
        chown 7:8 /out/lib/one; chmod 4711 /out/lib/one; chmod 700 /out/lib/deep; ln -s lib/one /out/link
        mkfifo /out/lib/pipe; echo single > /single
`;

const config = (steps: string, more = '') =>
  `containers:\n${BASE}${more}  c:\n    setup:\n    - !Container base\n${steps.replace(/^/gm, '    ')}\n`;

for (const as of ROOT_AND_USER) {
  const rig = new Rig({ as });
  t.teardown(() => rig.remove());
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  const build = (steps: string, more?: string) => {
    rig.write('vagga.yaml', config(steps, more));
    return rig.run('_build', 'c');
  };
  const inside = (...words: string[]) => rig.run('_run', 'c', ...words).stdout;

  t.test(`§2.4 !Build: files come with owners and modes (${as})`, async t => {
    const built = build(
      '- !Build {container: source, source: /out, path: /all}\n- !Build {container: source, source: /out, path: /some, rules: [/lib/**/two]}\n- !Build {container: source, source: /single, path: /single}\n- !Build {container: source}',
    );
    t.equal(built.code, 0, built.stderr);
    t.equal(inside('stat', '-c', '%a %u:%g %Y', '/all/lib/one'), '4711 7:8 1\n');
    t.equal(inside('stat', '-c', '%a', '/all/lib/deep'), '700\n');
    t.equal(inside('readlink', '/all/link'), 'lib/one\n');
    t.equal(inside('find', '/all', '-name', 'pipe'), '', 'pipes and devices stay where they are');
    t.equal(inside('find', '/all', '-name', '.git'), '', 'without rules the usual files are left out');
    t.equal(inside('find', '/some', '-type', 'f'), '/some/lib/deep/two\n');
    t.not(inside('stat', '-c', '%Y', '/single'), '1\n', 'a single file has the time of the build');
    const missing = build('- !Build {container: source, source: /none, path: /x}');
    t.match(missing, { code: 121, stderr: /source \/none does not exist/ });
    t.match(
      build('- !Build {container: source, source: /out, path: /no/parent}').stderr,
      /\/no does not exist in the image/,
    );
  });

  t.test(
    `§2.4 !Build: a temporary mount can be read, not written, and is gone at the end (${as})`,
    async t => {
      const built = build(`- !Build {container: source, source: /out, temporary-mount: /tmp/out}
- !Sh cp /tmp/out/lib/one /copied; echo x 2>/dev/null > /tmp/out/new || echo refused > /refused
- !Copy {source: /tmp/out/lib, path: /by-step}`);
      t.equal(built.code, 0, built.stderr);
      t.equal(inside('cat', '/copied', '/refused', '/by-step/deep/two'), 'lib\nrefused\ndeep\n');
      t.equal(rig.mounts().length, 0);
      const child = `  child:\n    setup:\n    - !Container c\n    - !Sh test ! -e /tmp/out/lib\n`;
      rig.write('vagga.yaml', `${rig.read('vagga.yaml')}${child}`);
      t.match(rig.run('_build', 'child'), { code: 0 }, '§2.4 !Container: mounts are not inherited');
      for (const more of ['content-hash: true', 'rules: [/x]']) {
        const both = build(`- !Build {container: source, temporary-mount: /tmp/out, ${more}}`);
        t.match(both, { code: 121, stderr: /cannot be used together with temporary-mount/ });
      }
    },
  );

  // What follows does not depend on whose ids they are.
  if (as === 'user') continue;

  t.test(
    `§2.4 !Build, §3.3 not-ready: with content-hash another way to the same files is no change (${as})`,
    async t => {
      const steps = '- !Build {container: stable, source: /made, path: /made, content-hash: true}';
      const stable = (script: string) =>
        `  stable:\n    setup:\n    - !Container base\n    - !Sh mkdir /made; ${script}\n`;
      rig.write('vagga.yaml', config(steps, stable('echo same > /made/f')));
      t.equal(rig.run('_version_hash', 'c').code, 29, 'its source is not built');
      t.equal(rig.run('_build', 'c').code, 0);
      const hash = rig.run('_version_hash', '-s', 'c').stdout;
      rig.write('vagga.yaml', config(steps, stable('printf "same\\n" > /made/f')));
      t.equal(rig.run('_version_hash', 'c').code, 29);
      const again = rig.run('_build', 'c');
      t.match(again.stderr, /Container stable \(/);
      t.notMatch(again.stderr, /Container c \(/, 'the source is built again, the image stays');
      t.equal(rig.run('_version_hash', '-s', 'c').stdout, hash);
      rig.write('vagga.yaml', config(steps, stable('echo other > /made/f')));
      t.match(rig.run('_build', 'c').stderr, /Container c \(/);
      t.not(rig.run('_version_hash', '-s', 'c').stdout, hash);
      rig.write('vagga.yaml', config(steps, '  stable:\n    setup: [!Depends none]\n'));
      t.equal(rig.run('_version_hash', 'c').code, 124, '§3.3 fatal: a source that has no identity');
    },
  );

  t.test(`§2.4 !SubConfig: from the project and from an image (${as})`, async t => {
    rig.write(
      'sub/vagga.yaml',
      'containers:\n  x:\n    setup:\n    - !Container helper\n    - !Env {FROM: sub}\n    - !Sh echo $FROM > /sub\n',
    );
    const helper =
      '  helper:\n    setup:\n    - !Container base\n    - !Text {/helper: of the main config}\n';
    const built = build(
      '- !SubConfig {path: sub/vagga.yaml, container: x}\n- !Sh echo $FROM > /after; test -s /etc/hosts',
      helper,
    );
    t.equal(built.code, 0, built.stderr);
    t.equal(inside('cat', '/helper', '/sub', '/after'), 'of the main configsub\nsub\n');
    const carrier = `  carrier:
    setup:
    - !Container base
    - !EnsureDir /cfg
    - !Copy {source: /work/sub/vagga.yaml, path: /cfg/vagga.yaml}
`;
    const fromImage =
      '- !Build {container: helper}\n- !SubConfig {source: !Container carrier, path: cfg/vagga.yaml, container: x}';
    rig.write('vagga.yaml', config(fromImage, `${helper}${carrier}`));
    t.equal(rig.run('_version_hash', 'c').code, 29, 'the config is in an image that is not built');
    t.equal(rig.run('_build', 'carrier').code, 0);
    t.match(rig.run('_version_hash', '-s', 'c').stdout, /^[0-9a-f]{8}\n$/);
    t.match(rig.run('_build', 'c'), { code: 0 });
    t.equal(inside('cat', '/sub'), 'sub\n');
    rig.write('sub/vagga.yaml', 'containers:\n  x:\n    setup:\n    - !Sh exit 7\n');
    const failed = build('- !SubConfig {path: sub/vagga.yaml, container: x}');
    t.match(failed, {
      code: 121,
      stderr: /step !SubConfig .* failed: sub-step !Sh exit 7 failed: exited with code 7/,
    });
    rig.write('sub/vagga.yaml', 'containers:\n  x:\n    setup:\n    - !Container c\n');
    const round = build('- !SubConfig {path: sub/vagga.yaml, container: x}');
    t.match(round, { code: 121, stderr: /goes round in a circle/ });
  });

  t.test(`§2.4 !Container: what its steps set is taken over (${as})`, async t => {
    const parent = `  parent:
    setup:
    - !Container base
    - !Env {MADE: parent}
    - !EnsureDir /ensured
    - !EmptyDir /emptied
    - !Remove /removed
    - !CacheDirs {/kept: shared-cache}
    - !Sh echo one > /kept/one
`;
    const built = build(
      '- !Container parent\n- !Sh echo $MADE > /made; mkdir -p /emptied/x; rmdir /ensured; echo y > /removed; cat /kept/one > /from-cache',
      parent,
    );
    t.equal(built.code, 0, built.stderr);
    t.equal(inside('cat', '/made', '/from-cache'), 'parent\none\n');
    t.equal(
      inside('sh', '-c', 'ls -A /emptied /kept; test -d /ensured && test ! -e /removed && echo yes').replace(
        /\/\w+:\n|\n/g,
        '',
      ),
      'yes',
    );
    const link = readlinkSync(join(rig.root, '.vagga/parent'));
    t.ok(lstatSync(join(rig.root, '.vagga', link, '../last_use')).isFile(), 'its last use is noted');
    t.equal(readFileSync(join(rig.root, '.vagga', link, 'etc/hosts'), 'utf8'), '');
  });
}
