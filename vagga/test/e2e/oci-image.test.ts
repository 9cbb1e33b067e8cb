// `!OciImage` against Debian's docker-registry, and against what skopeo writes to disk.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pax, tar } from '../archives/make.ts';
import { Layout } from '../archives/oci.ts';
import { PASSWORD, TestRegistry, TokenServer, USER } from './registry.ts';
import { Rig } from './rig.ts';

const rig = new Rig();
const layout = new Layout(join(rig.root, 'layout'));
const image = (path: string): string => rig.read(`.vagga/c/${path}`);
const stops: (() => unknown)[] = [];

t.teardown(async () => {
  for (const stop of stops) await stop();
  rig.remove();
});

/** bind(2) to small ports: a file capability that must survive. */
const CAPABILITY = '\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
const busybox = readFileSync('/bin/busybox');

t.before(() => {
  // Each build asks for its image anew.
  rig.write('.vagga.settings.yaml', 'step-cache: false\n');
  const base = tar(
    { name: 'bin/', type: '5', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, data: busybox },
    { name: 'bin/sh', type: '1', target: 'bin/busybox' },
    { name: 'etc/os-release', data: 'ID=debian\nVERSION_CODENAME=bookworm\n' },
    { name: 'etc/removed', data: 'x' },
    pax({ 'SCHILY.xattr.security.capability': CAPABILITY }),
    { name: 'bin/capable', mode: 0o755, data: 'x' },
    { name: 'etc/owned', data: 'x', uid: 12, gid: 34 },
  );
  const upper = tar({ name: 'etc/.wh.removed', data: '' }, { name: 'version', data: 'one' });
  layout.index({ layers: [base, upper], name: 'one', env: ['PATH=/opt/bin'] });
});

/** As people push. */
function skopeo(...words: string[]): void {
  const { status, stderr } = spawnSync('skopeo', words, { encoding: 'utf8', cwd: rig.root });
  if (status !== 0) throw new Error(stderr);
}

const push = (target: string, ...more: string[]): void =>
  skopeo('copy', '-q', '--dest-tls-verify=false', ...more, 'oci:layout:one', target);

function config(...steps: string[]): void {
  rig.write('vagga.yaml', `containers:\n  c:\n    setup:\n${steps.map(step => `    - ${step}\n`).join('')}`);
}

const build = (more: Record<string, string> = {}) => rig.start(['_build', 'c'], more).ended;

t.test('§2.9 !OciImage: by tag and by digest from a registry', async t => {
  const directory = join(rig.root, 'registry');
  const registry = await TestRegistry.start(directory, { kind: 'none' });
  stops.push(() => registry.stop());
  push(`docker://${registry.host}/base:1`);
  config(`!OciImage "${registry.host}/base:1"`, '!Sh "/bin/busybox cat /version > /copied"');
  const built = await build();
  t.equal(built.code, 0, built.stderr);
  t.equal(image('copied'), 'one', 'its programs run');
  t.notOk(rig.has('.vagga/c/etc/removed'));
  const inode = (path: string) => lstatSync(join(rig.root, '.vagga/c', path)).ino;
  t.equal(inode('bin/sh'), inode('bin/busybox'), 'hard links');
  const { uid, gid } = lstatSync(join(rig.root, '.vagga/c/etc/owned'));
  t.same([uid, gid], [12, 34]);
  const capability = spawnSync('getcap', [join(rig.root, '.vagga/c/bin/capable')], {
    encoding: 'utf8',
  }).stdout;
  t.match(capability, 'cap_net_bind_service=ep');
  const [directoryName] = rig.list('.vagga/.roots').filter(name => name.startsWith('c.'));
  t.match(
    rig.read(`.vagga/.roots/${directoryName}/build.log`),
    /The image sets these variables.*PATH=\/opt\/bin/,
  );
  const digest = /sha256:[0-9a-f]{64}/.exec(rig.read(`.vagga/.roots/${directoryName}/build.log`))?.[0] ?? '';
  config(`!OciImage "${registry.host}/base@${digest}"`, '!Text {/pinned: "yes"}');
  await registry.stop();
  const pinned = await build();
  t.equal(pinned.code, 0, 'what has a digest and was fetched once needs no registry');
  t.equal(image('pinned'), 'yes');
  config(`!OciImage "${registry.host}/base:1"`, '!Text {/other: "yes"}');
  t.match((await build()).stderr, /ECONNREFUSED/, 'a tag must be asked for');
  const blobs = join(rig.root, '.vagga/.cache/oci/blobs/sha256');
  const sizes = readdirSync(blobs).map(name => [name, lstatSync(join(blobs, name)).size] as const);
  const [layer = ''] = sizes.sort((a, b) => b[1] - a[1])[0] ?? [];
  const bytes = readFileSync(join(blobs, layer));
  writeFileSync(join(blobs, layer), bytes.fill(0, 5000, 5010));
  config(`!OciImage "${registry.host}/base@${digest}"`, '!Text {/third: "yes"}');
  t.match((await build()).stderr, /layers in the cache were damaged and are deleted: build again/);
  t.notOk(existsSync(join(blobs, layer)));
  const again = await TestRegistry.start(directory, { kind: 'none' }, false, registry.host);
  stops.push(() => again.stop());
  writeFileSync(join(blobs, 'f'.repeat(64)), 'of a year ago');
  utimesSync(join(blobs, 'f'.repeat(64)), 1e9, 1e9);
  const healed = await build();
  t.equal(healed.code, 0, healed.stderr);
  t.notOk(existsSync(join(blobs, 'f'.repeat(64))), 'what nobody uses goes');
});

t.test('§2.9 !OciImage: one of several platforms from a registry', async t => {
  const registry = await TestRegistry.start(join(rig.root, 'several'), { kind: 'none' });
  stops.push(() => registry.stop());
  const several = new Layout(join(rig.root, 'several-layout'));
  const made = (architecture: string) => ({
    layers: [tar({ name: 'which', data: architecture })],
    architecture,
  });
  several.multiPlatform('x', made('arm64'), made('amd64'));
  skopeo(
    'copy',
    '-q',
    '--all',
    '--dest-tls-verify=false',
    'oci:several-layout:x',
    `docker://${registry.host}/several:x`,
  );
  for (const architecture of ['arm64', 'amd64']) {
    config(`!OciImage {image: "${registry.host}/several:x", platform: linux/${architecture}}`);
    const built = await build();
    t.equal(built.code, 0, built.stderr);
    t.equal(image('which'), architecture);
  }
  config(`!OciImage {image: "${registry.host}/several:x", platform: linux/s390x}`);
  t.match((await build()).stderr, /not made for linux\/s390x, only for: linux\/arm64, linux\/amd64/);
  config(`!OciImage {image: "${registry.host}/nothing:x"}`);
  t.match((await build()).stderr, /nothing:x: there is no such image, or it needs a login/);
});

t.test('§2.9 !OciImage: a login in a file, from a helper, and none', async t => {
  const directory = join(rig.root, 'password');
  const registry = await TestRegistry.start(directory, { kind: 'password' });
  stops.push(() => registry.stop());
  push(`docker://${registry.host}/private/base:1`, '--dest-creds', `${USER}:${PASSWORD}`);
  const auths = join(rig.root, 'auth.json');
  const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
  const step = `!OciImage "${registry.host}/private/base:1"`;
  config(step);
  const none = await build({ REGISTRY_AUTH_FILE: '/nonexistent', HOME: rig.root });
  t.match(none.stderr, /private\/base:1: the registry refuses access \(401\); log in with: podman login 127/);
  writeFileSync(auths, JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const known = await build({ REGISTRY_AUTH_FILE: auths });
  t.equal(known.code, 0, known.stderr);
  config(step, '!Text {/x: y}');
  writeFileSync(
    auths,
    JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('me:wrong').toString('base64') } } }),
  );
  t.match((await build({ REGISTRY_AUTH_FILE: auths })).stderr, /refuses access \(401\)/);
  const programs = join(rig.root, 'programs');
  mkdirSync(programs);
  const helper = join(programs, 'docker-credential-test');
  writeFileSync(
    helper,
    `#!/bin/sh\nread -r server\necho "$1 $server" > ${rig.root}/helped\necho '{"Username":"${USER}","Secret":"${PASSWORD}"}'\n`,
  );
  chmodSync(helper, 0o755);
  mkdirSync(join(rig.root, 'home/.docker'), { recursive: true });
  rig.write('home/.docker/config.json', JSON.stringify({ credHelpers: { [registry.host]: 'test' } }));
  const home = { HOME: join(rig.root, 'home'), PATH: `${programs}:${process.env.PATH}` };
  const helped = await build(home);
  t.equal(helped.code, 0, helped.stderr);
  t.equal(rig.read('helped'), `get ${registry.host}\n`);
});

t.test('§2.9 !OciImage: tokens over TLS', async t => {
  const directory = join(rig.root, 'token');
  mkdirSync(directory);
  const tokens = new TokenServer(directory);
  const realm = await tokens.start();
  stops.push(() => tokens.stop());
  const registry = await TestRegistry.start(directory, { kind: 'token', realm }, true);
  stops.push(() => registry.stop());
  // skopeo runs while our token server must answer, so not synchronously.
  const words = [
    'copy',
    '-q',
    '--dest-tls-verify=false',
    '--dest-creds',
    `${USER}:${PASSWORD}`,
    'oci:layout:one',
  ];
  const pushing = spawn('skopeo', [...words, `docker://${registry.host}/team/base:1`], {
    cwd: rig.root,
    stdio: 'inherit',
  });
  t.equal(await new Promise(resolve => pushing.once('close', resolve)), 0);
  tokens.asked.length = 0;
  const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
  rig.write('auth.json', JSON.stringify({ auths: { [`${registry.host}/team`]: { auth } } }));
  config(`!OciImage {image: "${registry.host}/team/base:1", tls-verify: false}`);
  const built = await build({ REGISTRY_AUTH_FILE: join(rig.root, 'auth.json') });
  t.equal(built.code, 0, built.stderr);
  t.same(tokens.asked, ['user repository:team/base:pull'], 'one token for all');
  config(`!OciImage {image: "${registry.host}/team/none:1", tls-verify: false}`);
  t.match(
    (await build({ REGISTRY_AUTH_FILE: join(rig.root, 'auth.json') })).stderr,
    /there is no such image|refuses access/,
  );
});

t.test('§2.9 !OciImage: a docker archive, an OCI archive and a layout on disk', async t => {
  skopeo('copy', '-q', 'oci:layout:one', 'docker-archive:docker.tar:app:1');
  skopeo('copy', '-q', 'oci:layout:one', 'oci-archive:oci.tar:one');
  spawnSync('gzip', ['-k', 'docker.tar'], { cwd: rig.root });
  for (const source of [
    'archive: docker.tar.gz',
    'archive: docker.tar',
    'archive: ./docker.tar, image: "app:1"',
    'archive: /work/oci.tar',
    'layout: layout',
    'layout: ./layout, image: one',
  ]) {
    config(`!OciImage {${source}}`, '!Sh "/bin/busybox cat /version > /copied"');
    const built = await build();
    t.equal(built.code, 0, `${source}: ${built.stderr}`);
    t.equal(image('copied'), 'one', source);
    t.notOk(existsSync(join(rig.root, '.vagga/c/etc/removed')), source);
  }
  config('!OciImage {archive: docker.tar, image: "other"}');
  t.match((await build()).stderr, /there is no image "other:latest" in the archive, only: .*app:1/);
  config('!OciImage {layout: layout, distribution: ubuntu noble}');
  t.match(
    (await build()).stderr,
    /the image holds debian bookworm, not ubuntu noble: write `distribution: debian bookworm`/,
  );
  config('!OciImage {layout: layout, platform: linux/arm64}');
  t.match((await build()).stderr, /not made for linux\/arm64, only for: linux\/amd64/);
  config('!OciImage "A B"');
  t.match((await build()).stderr, /"A B" is not the name of an image/);
  rmSync(join(rig.root, 'docker.tar'));
});

/** What vagga itself adds or empties in an image with apt. */
const OURS =
  /^(work|tmp|dev|etc\/hosts|etc\/resolv\.conf|etc\/dpkg\/dpkg\.cfg\.d\/02apt-speedup|usr\/sbin\/policy-rc\.d|etc\/apt\/apt\.conf\.d\/01norecommend|var\/log\/\w+\.log|var\/log\/apt\/\w+\.log) /;

/** Left out of images. */
const DEVICE = /^\S+ [bc] /;

/** Paths, types, modes, owners, targets and sizes; directories have sizes of their own in each file system. */
function listing(root: string): string[] {
  const format = ['-printf', '%P %y %m %U:%G %l %s\\n'];
  const { stdout } = spawnSync('find', [root, '-mindepth', '1', ...format], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const lines = stdout.split('\n').map(line => line.replace(/^(\S+ d .*) \d+$/, '$1'));
  return lines.filter(line => !OURS.test(line) && !DEVICE.test(line)).sort();
}

if (process.env.SUITE_SOAK === '1') {
  t.test(
    '§2.9 !OciImage: Debian from a registry is what tar makes of it, and packages go on top',
    async t => {
      const archive = join(rig.root, 'debian.tar');
      const made = spawnSync('mmdebstrap', ['--quiet', '--variant=minbase', 'bookworm', archive], {
        encoding: 'utf8',
      });
      t.equal(made.status, 0, made.stderr);
      const root = join(rig.root, 'theirs/root');
      mkdirSync(root, { recursive: true });
      spawnSync('tar', ['-xpf', archive, '--numeric-owner', '--xattrs', '-C', root]);
      new Layout(join(rig.root, 'debian')).index({ layers: [readFileSync(archive)], name: 'd' });
      const registry = await TestRegistry.start(join(rig.root, 'soak'), { kind: 'none' });
      stops.push(() => registry.stop());
      const target = `${registry.host}/debian:bookworm-slim`;
      skopeo('copy', '-q', '--dest-tls-verify=false', 'oci:debian:d', `docker://${target}`);
      config(`!OciImage "${target}"`);
      const plain = await build();
      t.equal(plain.code, 0, plain.stderr);
      const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
      const ours = listing(join(rig.root, `.vagga/.roots/c.${short}/root`));
      const theirs = listing(root);
      t.ok(theirs.length > 4000, 'a whole system');
      t.same(ours, theirs);
      config(`!OciImage "${target}"`, '!Install [tree]', '!Sh "tree --version > /tree"');
      const installed = await build();
      t.equal(installed.code, 0, installed.stderr);
      t.match(image('tree'), /^tree v/);
    },
  );
}

t.test('§2.9 !OciImage: for an ordinary user, with the owners of the image', async t => {
  const user = new Rig({ as: 'user' });
  t.teardown(() => user.remove());
  const members = [
    { name: 'bin/busybox', mode: 0o755, data: busybox },
    { name: 'bin/sh', type: '1', target: 'bin/busybox' },
    { name: 'etc/owned', data: 'x', uid: 12, gid: 34, mode: 0o4640 },
  ];
  new Layout(join(user.root, 'layout')).index({ layers: [tar(...members)] });
  user.write(
    'vagga.yaml',
    `containers:
  c:
    setup:
    - !OciImage {layout: layout}
    - !Sh "/bin/busybox stat -c '%u:%g %a' /etc/owned > /copied"
`,
  );
  const built = await user.start(['_build', 'c']).ended;
  t.equal(built.code, 0, built.stderr);
  t.equal(user.read('.vagga/c/copied'), '12:34 4640\n');
});
