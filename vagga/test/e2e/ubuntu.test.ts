// Ubuntu with the real mmdebstrap and the real apt, from an archive on loopback with Ubuntu's layout. All hosts are reached
// through one proxy, which is itself each of them.
import { execFileSync } from 'node:child_process';
import { readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  AllHosts,
  Archive,
  CALLS_CHFN,
  filesBelow,
  makeEmpty,
  makeRelease,
  SigningKey,
} from './apt-archive.ts';
import { Rig, until } from './rig.ts';

const rig = new Rig();
const archiveKey = new SigningKey('archive');
const ppaKey = new SigningKey('ppa');
const [old, ppa] = ['old', 'ppa'].map(name => join(rig.root, 'archives', name)) as [string, string];

const hello = (name: string) => ({
  name,
  files: { [`usr/games/${name}`]: `#!/bin/sh\necho from ${name}\n` },
});

/** Asked for anything, this one sends the same key. */
const sendsKey = (key: SigningKey) => (path: string) =>
  path.startsWith('/pks/lookup') ? key.armored : undefined;

const hosts = new AllHosts({
  'archive.ubuntu.com': () => undefined,
  'old-releases.ubuntu.com': filesBelow(old, '/ubuntu/'),
  'ppa.launchpad.net': filesBelow(ppa, '/someone/tool/ubuntu/'),
  'unsigned.example': path => (path.includes('InRelease') ? undefined : filesBelow(ppa, '/u/')(path)),
  'keys.example:11371': sendsKey(ppaKey),
  'liar.example': sendsKey(archiveKey),
});
let proxy = '';

/** Does not go on with its package lists before the other one has come as far. */
const meets = (name: string, other: string, hello: string) => `  ${name}:
    setup:
    - !Container app
    - !Text
        /etc/apt/apt.conf.d/98meet:
          APT::Update::Pre-Invoke {"touch /work/${name}; while [ ! -e /work/${other} ]; do sleep 0.05; done";};
    - !Install [${hello}]
`;

const CONFIG = `containers:
  app:
    setup:
    - !Ubuntu zesty
    - !Text
        /etc/apt/apt.conf.d/99show: APT::Update::Pre-Invoke {"cat /proc/$PPID/cmdline";};
    - !UbuntuUniverse
    - !AptTrust {server: "hkp://keys.example", keys: [${ppaKey.fingerprint.slice(-16)}]}
    - !UbuntuPPA someone/tool
    - !BuildDeps [hello-build=99.0]
    - !Install [hello-universe=99.0, hello-ppa]
    - !Sh "echo PATH=$PATH LANG=$LANG FRONTEND=$DEBIAN_FRONTEND; hello-universe; hello-ppa; hello-build"
  child:
    setup:
    - !Container app
    - !UbuntuRepo {url: "http://unsigned.example/u", suite: zesty, components: [main], trusted: true}
    - !UbuntuRepo {url: "http://old-releases.ubuntu.com/ubuntu", suite: zesty, components: [universe]}
    - !Repo universe
    - !Install [hello-child]
${meets('left', 'right', 'hello-child')}${meets('right', 'left', 'hello-main')}  archive:
    setup:
    - !UbuntuRelease {url: ./root.tar.gz, codename: zesty, eatmydata: false, keep-chfn-command: true}
    - !Install [hello-main]
  mismatch:
    setup:
    - !UbuntuRelease {url: ./root.tar.gz, codename: noble}
  main:
    setup:
    - !Ubuntu zesty
    - !Install [hello-child]
  none:
    setup:
    - !Ubuntu nonesuch
  liar:
    setup:
    - !Container app
    - !AptTrust {server: "http://liar.example", keys: [${ppaKey.fingerprint}]}
commands:
  hello: !Command {container: app, run: [hello-universe]}
`;

t.before(async () => {
  const universe = [hello('hello-universe'), hello('hello-build'), hello('hello-child')];
  makeRelease(old, 'zesty', archiveKey, { main: [CALLS_CHFN, hello('hello-main')], universe });
  makeEmpty(old, ['zesty-updates', 'zesty-security'], archiveKey);
  const launchpad = new Archive(ppa);
  launchpad.addOwn('main', [hello('hello-ppa')]);
  launchpad.publish('zesty', ['main'], ppaKey);
  writeFileSync(join(rig.root, 'archive.asc'), archiveKey.armored);
  rig.write('vagga.yaml', CONFIG);
  proxy = await hosts.start();
});
t.teardown(() => {
  hosts.stop();
  for (const key of [archiveKey, ppaKey]) key.remove();
  rig.remove();
});

const settings = (more = '') => `ubuntu-keyring: ${join(rig.root, 'archive.asc')}\n${more}`;
const build = (name: string, more?: string) =>
  rig.start(['_build', name], { http_proxy: proxy, no_proxy: '', VAGGA_SETTINGS: settings(more) }).ended;
const short = (name: string) => rig.run('_version_hash', '-s', name).stdout.trim();
const beside = (name: string, file: string) => rig.read(`.vagga/.roots/${name}.${short(name)}/${file}`);

t.test('§2.1 !Ubuntu: an old release comes from the archive of old releases', async t => {
  const built = await build('app');
  t.equal(built.code, 0, built.stderr);
  t.ok(hosts.asked.includes('http://archive.ubuntu.com/ubuntu/dists/zesty/InRelease'), 'asked for first');
  const mirror = 'http://old-releases.ubuntu.com/ubuntu';
  const lines = rig.read('.vagga/app/etc/apt/sources.list').split('\n').filter(Boolean);
  t.same(lines, [
    `deb ${mirror} zesty main restricted`,
    `deb ${mirror} zesty-updates main restricted`,
    `deb ${mirror} zesty-security main restricted`,
  ]);
  t.equal(rig.read('.vagga/app/etc/generated-locales'), 'en_US.UTF-8\n');
  t.equal(readlinkSync(join(rig.root, '.vagga/app/usr/bin/chfn')), '/bin/true', 'although a package has it');
  t.match(rig.read('.vagga/app/usr/sbin/policy-rc.d'), 'exit 101');
  t.same(
    rig.list('.vagga/app/var/lib/apt/lists').filter(name => /Packages|InRelease/.test(name)),
    [],
  );
});

t.test('§2.1 !UbuntuUniverse, §2.1 !Install, §2.1 !BuildDeps: packages of universe', async t => {
  const universe = rig.read('.vagga/app/etc/apt/sources.list.d/universe.list');
  t.match(
    universe,
    /^deb \S+ zesty universe\ndeb \S+ zesty-updates universe\ndeb \S+ zesty-security universe\n$/,
  );
  const packages = beside('app', 'debian-packages.txt');
  t.match(packages, /^ii\s+hello-universe /m);
  t.notMatch(packages, 'hello-build', 'gone at the end');
  const log = beside('app', 'build.log');
  for (const name of ['universe', 'ppa', 'build']) t.match(log, `\nfrom hello-${name}\n`);
  t.match(log, /PATH=\S+:\/bin:\/usr\/games:\/usr\/local\/games LANG=en_US.UTF-8 FRONTEND=noninteractive/);
  t.match(log, /Eatmydata activated: "\/usr\/lib\/.*\/libeatmydata.so"/);
  t.same(rig.run('hello').code, 124, 'the path of builds is not that of runs');
});

t.test('§2.1 !AptTrust, §2.1 !UbuntuPPA: a key from a key server lets a PPA in', async t => {
  const id = ppaKey.fingerprint.slice(-16);
  t.ok(
    hosts.asked.some(url =>
      url.startsWith(`http://keys.example:11371/pks/lookup?op=get&options=mr&search=0x${id}`),
    ),
  );
  t.ok(rig.has(`.vagga/app/etc/apt/trusted.gpg.d/vagga-${id.toLowerCase()}.gpg`));
  const [name = ''] = rig.list('.vagga/app/etc/apt/sources.list.d').filter(file => file !== 'universe.list');
  t.match(name, /^[0-9a-f]{8}-zesty\.list$/);
  const line = 'deb http://ppa.launchpad.net/someone/tool/ubuntu zesty main';
  t.equal(rig.read(`.vagga/app/etc/apt/sources.list.d/${name}`), line, 'without a newline');
  const liar = await build('liar');
  t.equal(liar.code, 121);
  t.match(liar.stderr, `http://liar.example sent no key ${ppaKey.fingerprint}`);
});

t.test(
  '§2.1 !UbuntuRepo, §2.1 !Repo, §2.0 inheritance, §4.8 ubuntu-skip-locking: a container on top',
  async t => {
    const built = await build('child', 'ubuntu-skip-locking: true\n');
    t.equal(built.code, 0, built.stderr);
    const names = rig.list('.vagga/child/etc/apt/sources.list.d');
    t.equal(names.length, 5);
    const texts = names.map(name => rig.read(`.vagga/child/etc/apt/sources.list.d/${name}`));
    t.ok(texts.includes('deb [trusted=yes] http://unsigned.example/u zesty main'));
    t.equal(
      texts.filter(text => text === 'deb http://old-releases.ubuntu.com/ubuntu zesty universe').length,
      2,
    );
    t.match(beside('child', 'debian-packages.txt'), /^ii\s+hello-child /m);
    t.match(beside('child', 'build.log'), 'apt-get\0-oDebug::NoLocking=yes\0');
    t.notMatch(beside('app', 'build.log'), 'NoLocking');
  },
);

t.test('§2.1 !Install: who forgets universe is told', async t => {
  const built = await build('main');
  t.equal(built.code, 121);
  t.match(built.stderr, /exited with code 100; most packages of Ubuntu are in the component universe/);
});

t.test('§2.1 !Install: containers install packages at the same time', async t => {
  t.teardown(() => ['left', 'right'].map(name => rig.write(name, '')));
  const builds = ['left', 'right'].map(name => build(name));
  await until(() => rig.has('left') && rig.has('right'), 'both at once');
  for (const built of await Promise.all(builds)) t.equal(built.code, 0, built.stderr);
  const kept = rig.list('.vagga/.cache/apt-cache');
  t.ok(
    kept.includes('hello-child_99.0_amd64.deb') && kept.includes('hello-main_99.0_amd64.deb'),
    'all downloads',
  );
});

t.test('§2.1 !UbuntuRelease: a root file system from an archive', async t => {
  execFileSync('cp', ['-a', '.vagga/app/.', 'unpacked'], { cwd: rig.root });
  rmSync(join(rig.root, 'unpacked/usr/bin/chfn'));
  rig.write('unpacked/usr/bin/chfn', 'the real one');
  rmSync(join(rig.root, 'unpacked/etc/resolv.conf'));
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(rig.root, 'unpacked/etc/resolv.conf'));
  execFileSync('tar', ['-C', 'unpacked', '-czf', 'root.tar.gz', '.'], { cwd: rig.root });
  const built = await build('archive');
  t.equal(built.code, 0, built.stderr);
  t.equal(rig.read('.vagga/archive/etc/resolv.conf'), '', 'a file of its own');
  t.equal(rig.read('.vagga/archive/usr/bin/chfn'), 'the real one', 'kept as wished');
  t.match(rig.read('.vagga/archive/etc/generated-locales'), 'en_US.UTF-8\nen_US.UTF-8\n');
  t.match(beside('archive', 'debian-packages.txt'), /^ii\s+hello-main /m);
  t.notMatch(beside('archive', 'build.log'), 'Eatmydata');
  const mismatch = await build('mismatch');
  t.match(mismatch.stderr, './root.tar.gz holds zesty, but noble is expected');
});

t.test('§4.8 ubuntu-mirror, §2.1 !Ubuntu: where a release is looked for', async t => {
  const none = await build('none');
  t.equal(none.code, 121);
  t.match(
    none.stderr,
    /the release nonesuch is not on http:\/\/archive.ubuntu.com\/ubuntu, http:\/\/old-releases/,
  );
  t.match(none.stderr, 'name another one with the setting ubuntu-mirror');
  const set = await build('none', 'ubuntu-mirror: http://my.example/u/\n');
  t.match(set.stderr, 'not on http://my.example/u/, http://old-releases');
});
