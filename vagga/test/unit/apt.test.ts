// Names, addresses and keys of apt's world.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { sourceFileName } from '../../src/adapters/build/distro/apt-sources.ts';
import { lookupUrl } from '../../src/adapters/build/distro/apt-trust.ts';
import { ubuntuKeyring } from '../../src/adapters/build/distro/ubuntu-keys.ts';
import { datedLines, releaseLines } from '../../src/core/debian/releases.ts';
import { armored, isKey, publicKeys } from '../../src/core/openpgp/keys.ts';

const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

t.test('§2.1 !UbuntuRepo: the name of the file comes from the fields', async t => {
  t.equal(sourceFileName(undefined, 'xenial', ['universe']), '8afb3430-xenial.list');
  t.equal(sourceFileName('http://ubuntu.zerogw.com', 'vagga', ['main']), '2efc24ff-vagga.list');
  t.match(sourceFileName('http://x', './', ['main']), /^[0-9a-f]{8}-\.-\.list$/, 'stays in its directory');
});

t.test('§2.1 !AptTrust: addresses of key servers', async t => {
  const tail = '/pks/lookup?op=get&options=mr&search=0xABCD';
  const url = (server: string) => lookupUrl(server, '0xABCD');
  t.equal(url('hkps://keyserver.ubuntu.com:443'), `https://keyserver.ubuntu.com${tail}`);
  t.equal(url('hkp://keys.example'), `http://keys.example:11371${tail}`);
  t.equal(url('hkp://keys.example:80'), `http://keys.example${tail}`);
  t.equal(url('keys.example'), `http://keys.example:11371${tail}`);
  t.equal(url('https://keys.example:8443/'), `https://keys.example:8443${tail}`);
});

t.test("§2.1 !Ubuntu: the archive's keys are the ones that Ubuntu publishes", async t => {
  const prints = publicKeys(ubuntuKeyring(), sha1).map(({ fingerprints }) => fingerprints[0]);
  t.same(prints, ['790BC7277767219C42C86F933B4FE6ACC0B21F32', 'F6ECB3762474EDA9D21B7022871920D1991BC93C']);
});

t.test('§2.1 !AptTrust: keys are recognised by what they are', async t => {
  const home = mkdtempSync(join(tmpdir(), 'vagga-gpg-'));
  const gpg = (...words: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', ...words], {
      maxBuffer: 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  t.teardown(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  });
  gpg('--quick-generate-key', 'One <one@example.com>', 'ed25519', 'sign', 'never');
  gpg('--quick-generate-key', 'Two <two@example.com>', 'rsa2048', 'default', 'never');
  const prints = [
    ...gpg('--with-colons', '--fingerprint')
      .toString()
      .matchAll(/^fpr:+([0-9A-F]{40}):/gm),
  ];
  const [first = '', second = ''] = prints.map(match => match[1]);
  const exported = gpg('--export');
  const keys = publicKeys(exported, sha1);
  t.same(
    keys.map(({ fingerprints }) => fingerprints[0]),
    [first, second],
    'as gpg says',
  );
  t.same(Buffer.concat(keys.map(({ bytes }) => bytes)), exported, 'byte for byte');

  const texts = [first, second].map(print =>
    gpg('--armor', '--comment', 'a: b', '--export', print).toString(),
  );
  const blocks = armored(texts.join('<p>between</p>\n'));
  t.same(Buffer.concat(blocks.map(text => Buffer.from(text, 'base64'))), exported);
  t.same(armored('<html>no key</html>'), []);

  const [one] = keys;
  if (one === undefined) return t.fail('no key');
  t.ok(isKey(one, first) && isKey(one, first.slice(-16).toLowerCase()) && isKey(one, `0x${first.slice(-8)}`));
  t.notOk(isKey(one, second) || isKey(one, first.slice(0, 16)));
  t.throws(() => publicKeys(gpg('--export-secret-keys', first), sha1), /secret key/);
  t.throws(() => publicKeys(Buffer.from('<html>'), sha1), /not an OpenPGP key/);
  for (let size = 1; size < exported.length; size += 7) {
    try {
      publicKeys(exported.subarray(0, size), sha1);
    } catch (error) {
      t.match((error as Error).message, /damaged|not an OpenPGP/, `the first ${size} bytes`);
    }
  }
});

t.test('§2.1 !Debian, §2.1 !DebianRelease: a release is itself, its updates and its fixes', async t => {
  t.same(releaseLines('http://m.example/debian', 'bookworm', []), [
    'deb http://m.example/debian bookworm main',
    'deb http://m.example/debian bookworm-updates main',
    'deb http://m.example/debian-security bookworm-security main',
  ]);
  t.same(
    releaseLines('http://m/debian/', 'buster', ['main', 'contrib']).at(-1),
    'deb http://m/debian-security buster/updates main contrib',
  );
  t.same(datedLines('http://s/archive/', '20260131T000000Z', 'sid', []), [
    'deb http://s/archive/debian/20260131T000000Z sid main',
  ]);
});
