// Commands beside all containers, with BusyBox and vagga itself as their tools; for root and for an ordinary user.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { findBusybox } from '../../src/adapters/capsule/busybox.ts';
import { Rig, ROOT_AND_USER, VAGGA } from './rig.ts';

const SCRIPT = '#!/bin/sh\necho "fetched with $1 in $(pwd) by $(which ls)"; exit 6\n';

const config = (port: number) => `containers:
  c:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh /bin/busybox --install -s /bin; echo inside > /mark
commands:
  look: !CapsuleCommand
    environ: {OWN: yes}
    work-dir: sub
    run: id -u; pwd; echo $PATH $OWN; which ls; touch /work/made; touch /bin/x
  lost: !CapsuleCommand {run: pwd, work-dir: no/such}
  strict: !CapsuleCommand {run: [echo], accepts-arguments: false}
  free: !CapsuleCommand {run: [echo, list]}
  opts: !CapsuleCommand {run: "echo $VAGGAOPT_WORD", options: "Usage: vagga opts [options] <word>"}
  alone: !CapsuleCommand {run: "wc -l < /proc/net/dev", isolate-network: true}
  build: !CapsuleCommand
    run: |
      vagga _capsule build --print-version c &&
      vagga _capsule run c cat /mark &&
      vagga _capsule version --print-version c &&
      vagga _capsule run --no-build c sh -c 'exit 9'
  again: !CapsuleCommand {run: vagga _capsule build --force c}
  fetch: !CapsuleCommand
    run: |
      cat $(vagga _capsule download ./local.txt)
      vagga _capsule download http://127.0.0.1:${port}/x.sh
      vagga _capsule script http://127.0.0.1:${port}/x.sh --sha256 one
      echo $?
      vagga _capsule script --sha256 00000000 http://127.0.0.1:${port}/y.sh
      echo $?
      vagga _capsule nonsense
  settings: !CapsuleCommand {run: 'echo "$VAGGA_SETTINGS"'}
`;

const server = createServer((_, response) => void response.end(SCRIPT));
let port = 0;

t.before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
t.teardown(() => server.close());

async function ended(rig: Rig, ...words: string[]) {
  // Not rig.run: it would keep our own server from answering.
  return await rig.start(words).ended;
}

for (const as of ROOT_AND_USER) {
  t.test(`as ${as}`, async t => {
    const rig = new Rig({ as });
    t.teardown(() => rig.remove());
    rig.write('vagga.yaml', config(port));
    rig.write('busybox', '');
    rig.write('sub/x', '');
    rig.write('local.txt', 'a local file\n');
    cpSync('/bin/busybox', join(rig.root, 'busybox'));

    t.test(
      '§1.6 !CapsuleCommand, §5.2 capsule, §1.6 work-dir, §1.6 isolate-network: its own small world',
      async t => {
        const look = rig.run('look');
        t.equal(look.stdout, '0\n/work/sub\n/vagga/bin:/bin yes\n/bin/ls\n');
        t.match(look.stderr, /Read-only file system/);
        t.equal(look.code, 1);
        t.ok(rig.has('made'));
        t.match(rig.run('lost'), { code: 124, stderr: /work-dir \/work\/no\/such does not exist/ });
        t.match(rig.run('strict', 'x'), { code: 122, stderr: /vagga strict: Unexpected argument x/ });
        t.match(rig.run('free', '--help'), { code: 0, stdout: 'list --help\n' });
        t.match(rig.run('opts', 'hello'), { code: 0, stdout: 'hello\n' });
        t.match(rig.run('alone').stdout, /^3$/m);
        const settings = JSON.parse(rig.runWith({ VAGGA_SETTINGS: 'environ: {A: b}' }, 'settings').stdout);
        t.match(settings, {
          version_check: true,
          proxy_env_vars: true,
          build_lock_wait: false,
          environ: { A: 'b' },
        });
      },
    );

    t.test(
      '§4.4 _capsule, §9 capsule-force: builds and runs from inside what is there outside too',
      async t => {
        const built = rig.run('build');
        const version = `c.${rig.run('_version_hash', '-s', 'c').stdout}`;
        t.same([built.code, built.stdout], [9, `${version}inside\n${version}`], built.stderr);
        t.equal(rig.run('--no-build', '_run', 'c', 'cat', '/mark').stdout, 'inside\n');
        t.match(rig.run('again'), { code: 0, stderr: /Container c \([0-9a-f]{8}\) built/ });
        t.match(rig.run('_capsule', 'build', 'c'), { code: 121, stderr: /only inside/ });
      },
    );

    t.test('§4.4 _capsule: files and scripts', async t => {
      const { code, stdout, stderr } = await ended(rig, 'fetch');
      const [local, downloaded = '', ran, ranCode, wrongCode] = stdout.split('\n');
      t.equal(local, 'a local file');
      t.match(downloaded, /^\/vagga\/cache\/downloads\/[0-9a-f]{8}-x\.sh$/);
      t.equal(
        readFileSync(join(rig.root, '.vagga/.cache', downloaded.slice('/vagga/cache'.length)), 'utf8'),
        SCRIPT,
      );
      t.equal(ran, 'fetched with --sha256 in /work by /bin/ls', 'words behind the address are the script’s');
      t.equal(ranCode, '6');
      t.match(stderr, /Hashsum mismatch: expected 00000000 but was /);
      t.equal(wrongCode, '121');
      t.match(stderr, /Unknown command "nonsense"/);
      t.equal(code, 127);
    });

    t.test('§4.4 _build_shell, §4.4 _check_overlayfs_support', async t => {
      const shell = rig.inTerminal(['_build_shell'], 'echo o""k; which vagga; exit 3\n');
      t.match(shell.stdout, /ok\r\n\/vagga\/bin\/vagga\r\n/);
      t.equal(shell.code, 3);
      t.match(rig.run('_check_overlayfs_support'), { code: 0, stdout: 'supported\n', stderr: '' });
      t.same(
        rig.list('.vagga').filter(name => name.startsWith('.overlay')),
        [],
      );
      t.same(rig.mounts(), []);
    });
  });
}

t.test('§5.2 capsule: a project that is at /work on the host too', async t => {
  const rig = new Rig();
  const made = !existsSync('/work');
  if (made) mkdirSync('/work');
  t.teardown(() => {
    if (made) rmdirSync('/work');
    rig.remove();
  });
  rig.write('vagga.yaml', config(port));
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  // In mounts of its own, since somebody may have something there.
  const script =
    'mount -t tmpfs none /work && cp -r "$0" /work/project && cd /work/project && "$@" build; echo $?; ls';
  const words = ['-m', 'sh', '-c', script, rig.root, process.execPath, VAGGA];
  const ran = spawnSync('unshare', words, { encoding: 'utf8' });
  t.match(ran.stdout, /^c\.[0-9a-f]{8}\ninside\nc\.[0-9a-f]{8}\n9\nbusybox\nvagga\.yaml\n$/, ran.stderr);
});

t.test('only a static program will do', async t => {
  t.match(findBusybox(), { path: /busybox/ });
  t.equal(findBusybox(['/nowhere', process.execPath, '/etc/passwd', '/etc']), undefined);
});
