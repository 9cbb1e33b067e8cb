// Containers as OCI images: the same bytes every time, and the same files in whatever takes them.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { treeLines } from '../archives/tree.ts';
import { PASSWORD, TestRegistry, TokenServer, USER } from './registry.ts';
import { Rig } from './rig.ts';
import { imageProject } from './rig-images.ts';
import { filesOf, PodmanRig, withoutAccessLists, withoutTopTime } from './rig-podman.ts';

const SOAK = process.env.SUITE_SOAK === '1';
const podman = new PodmanRig();
const { rig, scratch } = podman;
t.teardown(() => podman.remove());

/** For programs that ask a server of this very process. */
async function meanwhile(name: string, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(name, words, { cwd: rig.root, timeout: 60_000 });
  return stdout.trim();
}

t.test('_export --oci: the same root gives the same bytes; skopeo takes layout and archive', t => {
  const digest = podman.exported('layout');
  t.match(digest, /^sha256:[0-9a-f]{64}$/);
  t.equal(podman.exported('one.tar'), digest);
  t.equal(podman.exported('two.tar', '--tag', 'c:latest'), digest);
  t.ok(readFileSync(join(rig.root, 'one.tar')).equals(readFileSync(join(rig.root, 'two.tar'))));
  t.equal(podman.exported('layout'), digest, 'an older layout is replaced');
  for (const source of ['oci:layout', 'oci:layout:c:latest', 'oci-archive:one.tar']) {
    const inspected = JSON.parse(podman.program('skopeo', 'inspect', source));
    t.equal(inspected.Digest, digest, source);
    t.same(inspected.Env, [
      'LANG=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  }
  for (const [how, type] of [
    ['zstd', /\+zstd$/],
    ['none', /\.tar$/],
  ] as const) {
    podman.exported('other', '--compress', how);
    const { layers } = JSON.parse(podman.program('skopeo', 'inspect', '--raw', 'oci:other'));
    t.match(layers[0].mediaType, type);
  }
  const wrong = rig.run('_export', 'c', 'x', '--compress', 'lzma');
  t.equal(wrong.code, 122);
  const busy = rig.run('_export', 'c', 'base/../.vagga');
  t.equal(busy.code, 121);
  t.match(busy.stderr, /exists and is no image layout/);
  t.same(
    rig.list('.').filter(name => /\.(new|layout|tmp)/.test(name)),
    [],
  );
  t.end();
});

t.test('_export --oci: built again on another day, the same image with SOURCE_DATE_EPOCH', t => {
  const epoch = { SOURCE_DATE_EPOCH: '1700000000' };
  const first = rig.runWith(epoch, '_export', 'c', 'first.tar');
  t.equal(first.code, 0, first.stderr);
  const before = podman.original().length;
  rmSync(join(rig.root, '.vagga'), { recursive: true });
  const second = rig.runWith(epoch, '_export', 'c', 'second.tar');
  t.match(second.stderr, /built/, 'really built');
  t.equal(podman.original().length, before);
  t.equal(second.stdout, first.stdout);
  t.ok(readFileSync(join(rig.root, 'first.tar')).equals(readFileSync(join(rig.root, 'second.tar'))));
  const { Created } = JSON.parse(podman.program('skopeo', 'inspect', 'oci-archive:first.tar'));
  t.equal(Created, '2023-11-14T22:13:20Z');
  t.not(podman.exported('third.tar'), first.stdout.trim(), 'without it times count');
  t.end();
});

t.test('_export --oci --layers: a layer for each step, and what steps remove is removed', t => {
  const digest = podman.exported('layered', '--layers');
  t.equal(podman.exported('layered.tar', '--layers'), digest);
  const { history } = JSON.parse(podman.program('skopeo', 'inspect', '--config', 'oci:layered'));
  const titles = history.map((one: { created_by: string }) => one.created_by);
  t.match(titles.join('\n'), /OciImage.*Sh.*Sh/s);
  podman.program('podman', 'load', '-q', '-i', 'layered.tar');
  t.same(podman.inPodman('localhost/c:latest'), withoutAccessLists(withoutTopTime(podman.original())));
  podman.program('podman', 'rmi', '-f', 'localhost/c:latest');
  t.same(podman.inOurs(t, '!OciImage {layout: ./image}', 'layered'), podman.original());
  t.end();
});

t.test('row h: podman runs what we export; through a registry skopeo and we get the same files', async t => {
  podman.exported('c.tar');
  podman.program('podman', 'load', '-q', '-i', 'c.tar');
  t.same(podman.inPodman('localhost/c:latest'), withoutTopTime(podman.original()));
  const look = 'echo $LANG; pwd; /bin/busybox cat /second';
  t.equal(await podman.podmanRun('localhost/c:latest', look), 'C.UTF-8\n/work\nsecond');

  const registry = await TestRegistry.start(join(scratch, 'registry'), { kind: 'none' });
  t.teardown(() => registry.stop());
  podman.program(
    'skopeo',
    'copy',
    '-q',
    '--dest-tls-verify=false',
    'oci-archive:c.tar',
    `docker://${registry.host}/c:1`,
  );
  podman.program(
    'skopeo',
    'copy',
    '-q',
    '--src-tls-verify=false',
    `docker://${registry.host}/c:1`,
    'oci:pulled',
  );
  const wanted = podman.original();
  t.same(podman.inOurs(t, `!OciImage "${registry.host}/c:1"`, 'pulled'), wanted, 'pulled by us');
  t.same(podman.inOurs(t, '!OciImage {layout: ./image}', 'pulled'), wanted, 'pulled by skopeo');
});

t.test('_export --oci: by an ordinary user, with the owners that the container sees', t => {
  const theirs = imageProject('user');
  t.teardown(() => theirs.remove());
  const done = theirs.run('_export', '--oci', 'c', 'c.tar');
  t.equal(done.code, 0, done.stderr);
  podman.program('podman', 'load', '-q', '-i', join(theirs.root, 'c.tar'));
  // Built by itself, so at another time, and only root can make devices.
  const withoutTimes = { without: ['/dev/null'] };
  const mounted = podman.program('podman', 'image', 'mount', 'localhost/c:latest');
  t.same(treeLines(mounted, withoutTimes), treeLines(`${rig.root}/.vagga/c/.`, withoutTimes));
  podman.exported('ours.tar');
  podman.program('cp', 'ours.tar', join(theirs.root, 'ours.tar'));
  theirs.write('vagga.yaml', 'containers:\n  again:\n    setup:\n    - !OciImage {archive: ours.tar}\n');
  const again = theirs.run('_export', 'again', 'again.tar');
  t.equal(again.code, 0, again.stderr);
  podman.program('podman', 'load', '-q', '-i', join(theirs.root, 'again.tar'));
  const devices = / device \d+ /;
  t.same(
    podman.inPodman('localhost/again:latest'),
    withoutTopTime(podman.original()).filter(line => !devices.test(line)),
    'taken by an ordinary user and given on: the same but for devices',
  );
  const log = theirs.run('_build', '--force', 'again');
  t.match(log.stderr, /Warning: container again: 1 device of the image left out/);
  t.end();
});

t.test(
  '_push_oci: with a token, by layers, with the list of packages; what is there is not sent again',
  async t => {
    const directory = mkdtempSync(join(scratch, 'tokens-'));
    const tokens = new TokenServer(directory);
    const realm = await tokens.start();
    t.teardown(() => tokens.stop());
    const registry = await TestRegistry.start(directory, { kind: 'token', realm });
    t.teardown(() => registry.stop());
    const image = `${registry.host}/team/c:1`;
    const push = (environment: Record<string, string>, ...words: string[]) =>
      rig.start(['_push_oci', 'c', ...words], environment).ended;
    const stranger = await push({ REGISTRY_AUTH_FILE: join(directory, 'none.json') }, image);
    t.equal(stranger.code, 121);
    t.match(stranger.stderr, /refuses access \(401\); log in with: podman login 127/);
    const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
    const authFile = join(directory, 'auth.json');
    writeFileSync(authFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const known = { REGISTRY_AUTH_FILE: authFile };
    const pushed = await push(known, '--layers', '--sbom', image);
    t.equal(pushed.code, 0, pushed.stderr);
    t.match(pushed.stderr, /layer 1 of \d+: .* MiB sent\n.*list of packages: sent/s);
    t.match(tokens.asked.join('\n'), /user repository:team\/c:pull,push|user repository:team\/c:push,pull/);
    const again = await push(known, '--layers', image);
    t.equal(again.stdout, pushed.stdout);
    t.notMatch(again.stderr, /MiB sent/);
    t.match(again.stderr, /is there already/);
    const from = ['--authfile', authFile, '--tls-verify=false'];
    const digest = pushed.stdout.trim();
    t.equal(JSON.parse(await meanwhile('skopeo', 'inspect', ...from, `docker://${image}`)).Digest, digest);
    const list = await meanwhile(
      'skopeo',
      'inspect',
      '--raw',
      ...from,
      `docker://${registry.host}/team/c:${digest.replace(':', '-')}`,
    );
    const [referrer, ...others] = JSON.parse(list).manifests;
    t.same(others, []);
    t.equal(referrer.artifactType, 'application/spdx+json');
    const document = JSON.parse(
      await meanwhile(
        'skopeo',
        'inspect',
        '--raw',
        ...from,
        `docker://${registry.host}/team/c@${referrer.digest}`,
      ),
    );
    t.equal(document.subject.digest, digest);
    await meanwhile(
      'skopeo',
      'copy',
      '-q',
      '--src-authfile',
      authFile,
      '--src-tls-verify=false',
      `docker://${image}`,
      'oci:fetched',
    );
    const wanted = podman.original();
    t.same(podman.inOurs(t, '!OciImage {layout: ./image}', 'fetched'), wanted);
    const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
    t.notMatch(rig.list(`.vagga/.roots/c.${short}`).join(), /oci/, 'nothing stays beside the image');
    for (const wrong of [`${registry.host}/UPPER`, `${image}@sha256:${'0'.repeat(64)}@`])
      t.equal((await push(known, wrong)).code, 122);
  },
);

// Some hundred megabytes: only in the long runs.
if (SOAK)
  t.test('row h: a whole Debian in podman, and through a registry in ours', async t => {
    const debian = new Rig();
    t.teardown(() => debian.remove());
    debian.write('vagga.yaml', 'containers:\n  c:\n    setup:\n    - !Debian bookworm\n');
    const done = debian.run('_export', '--oci', 'c', 'c.tar', '--tag', 'debian:whole');
    t.equal(done.code, 0, done.stderr);
    const root = `${debian.root}/.vagga/c/.`;
    podman.program('podman', 'load', '-q', '-i', join(debian.root, 'c.tar'));
    t.same(podman.inPodman('localhost/debian:whole'), withoutTopTime(filesOf(root)));
    t.match(
      await podman.podmanRun('localhost/debian:whole', 'dpkg --audit && cat /etc/debian_version'),
      /^12\./,
    );
    const registry = await TestRegistry.start(mkdtempSync(join(scratch, 'whole-')), { kind: 'none' });
    t.teardown(() => registry.stop());
    const pushed = debian.run('_push_oci', 'c', `${registry.host}/debian:whole`);
    t.equal(pushed.stdout, done.stdout, pushed.stderr);
    podman.program(
      'skopeo',
      'copy',
      '-q',
      '--src-tls-verify=false',
      `docker://${registry.host}/debian:whole`,
      'oci:whole',
    );
    t.same(
      podman.inOurs(t, `!OciImage "${registry.host}/debian:whole"`, 'whole'),
      filesOf(root),
      'pulled by us',
    );
    t.same(podman.inOurs(t, '!OciImage {layout: ./image}', 'whole'), filesOf(root), 'pulled by skopeo');
    t.match(filesOf(root).join('\n'), /\/dev\/null 666 0:0 device 259 /, 'devices are among them');
  });
