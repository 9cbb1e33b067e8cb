// Debian as it once was: dated and archived releases, from archives on loopback with Debian's layout. The release of the
// day, from Debian's own mirror, is built in vagga.test.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AllHosts, Archive, filesBelow, makeEmpty, makeRelease, SigningKey } from './apt-archive.ts';
import { Rig } from './rig.ts';

/** An ordinary user; root builds Debian in vagga.test.ts. */
const rig = new Rig({ as: 'user' });
const key = new SigningKey('debian');
const main = join(rig.root, 'archives/main');
const security = join(rig.root, 'archives/security');
const DATE = '20260131T000000Z';

const archive = new Archive(main);

const hosts = new AllHosts({
  'snapshots.example': path =>
    filesBelow(main, `/archive/debian/${DATE}/`)(path) ??
    filesBelow(security, `/archive/debian-security/${DATE}/`)(path),
  'archive.debian.org': filesBelow(main, '/debian/'),
  'my.example': filesBelow(main, '/archive/'),
});
let proxy = '';

const CONFIG = `containers:
  dated:
    setup:
    - !DebianRelease {codename: oldworm, snapshot: "20260131", components: [main, universe]}
    - !Install [hello]
  undated:
    setup:
    - !Debian {suite: oldworm, snapshot: "20260201"}
  archived:
    setup:
    - !Debian oldworm
  mirrored:
    setup:
    - !DebianRelease {codename: oldworm, mirror: "http://my.example/archive", variant: essential}
  foreign:
    setup:
    - !Debian {suite: oldworm, mirror: "http://my.example/archive", components: [universe]}
`;

t.before(async () => {
  const hello = { name: 'hello', files: { 'usr/bin/hello': '#!/bin/sh\necho hello\n' } };
  makeRelease(main, 'oldworm', key, { universe: [hello] });
  // Over for long: apt must be told that this is meant.
  archive.publish('oldworm', ['main', 'universe'], key, 'Valid-Until: Sat, 07 Feb 2026 00:00:00 UTC\n');
  makeEmpty(main, ['oldworm-updates'], key);
  makeEmpty(security, ['oldworm-security'], key);
  writeFileSync(join(rig.root, 'own.asc'), key.armored);
  rig.write('vagga.yaml', CONFIG);
  proxy = await hosts.start();
});
t.teardown(() => {
  hosts.stop();
  key.remove();
  rig.remove();
});

const SETTINGS = `debian-keyring: ${join(rig.root, 'own.asc')}\ndebian-snapshot-mirror: http://snapshots.example/archive\n`;

const build = (name: string, settings = SETTINGS) =>
  rig.start(['_build', name], { http_proxy: proxy, no_proxy: '', VAGGA_SETTINGS: settings }).ended;
const sources = (name: string) => rig.read(`.vagga/${name}/etc/apt/sources.list`).split('\n').filter(Boolean);

t.test('§2.1 !DebianRelease: the archive as it was at a date', async t => {
  const built = await build('dated');
  t.equal(built.code, 0, built.stderr);
  const base = 'http://snapshots.example/archive';
  t.same(sources('dated'), [
    `deb ${base}/debian/${DATE} oldworm main universe`,
    `deb ${base}/debian/${DATE} oldworm-updates main universe`,
    `deb ${base}/debian-security/${DATE} oldworm-security main universe`,
  ]);
  const short = rig.run('_version_hash', '-s', 'dated').stdout.trim();
  t.match(rig.read(`.vagga/.roots/dated.${short}/debian-packages.txt`), /^ii\s+hello /m);
});

t.test('§2.1 !DebianRelease: nobody is asked for a date before a setting says who', async t => {
  const refused = await build('undated', '{}');
  t.equal(refused.code, 121);
  t.match(refused.stderr, /snapshot needs the setting debian-snapshot-mirror/);
});

t.test('§2.1 !Debian: a host without sources of its own uses those of mmdebstrap', async t => {
  const prepare =
    'mount -t tmpfs none /etc/apt/sources.list.d && if [ -e /etc/apt/sources.list ]; then mount --bind /dev/null /etc/apt/sources.list; fi';
  const foreign = new Rig({ as: 'user', user: { prepare } });
  t.teardown(() => foreign.remove());
  foreign.write('vagga.yaml', 'containers: {c: {setup: [!Debian nowhere]}}\n');
  const before = hosts.asked.length;
  const built = await foreign.start(['_build', 'c'], { http_proxy: proxy, no_proxy: '' }).ended;
  t.equal(built.code, 121, built.stderr);
  const asked = hosts.asked.slice(before).filter(url => /\/debian\/dists\/nowhere\/InRelease$/.test(url));
  t.match(asked[0], /^http:\/\/archive\./, 'the archive of old releases is looked at');
  t.ok(
    asked.some(url => !url.startsWith('http://archive.')),
    'then mmdebstrap goes where it always goes',
  );
});

t.test('§2.1 !Debian: a release that the mirror has no more', async t => {
  const built = await build('archived');
  t.equal(built.code, 0, built.stderr);
  t.same(sources('archived'), ['deb http://archive.debian.org/debian oldworm main']);
});

t.test('§2.1 !DebianRelease: mirror and variant; only signed packages', async t => {
  const expired = await build('mirrored');
  t.equal(expired.code, 121);
  t.match(expired.stderr, /InRelease is expired/, 'an own mirror has no excuse for an old state');
  const foreign = await build('foreign', '{}');
  t.equal(foreign.code, 121);
  t.match(foreign.stderr, /NO_PUBKEY|not signed/);
  archive.publish('oldworm', ['main', 'universe'], key);
  const built = await build('mirrored');
  t.equal(built.code, 0, built.stderr);
  t.same(sources('mirrored'), ['deb http://my.example/archive oldworm main']);
  t.notOk(rig.has('.vagga/mirrored/usr/bin/apt-get'), 'essential packages only');
});
