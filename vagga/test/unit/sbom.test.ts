// Lists of packages as a bill of materials.
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { installedPackages } from '../../src/core/sbom/package-lists.ts';
import { spdxText } from '../../src/core/sbom/spdx.ts';

t.test('every list that a build keeps is understood', t => {
  const lists = {
    'alpine-packages.txt':
      'WARNING: opening x\nmusl-1.2.4-r2 - the musl c library\npy3-six-1.16.0-r6 - compatibility\n',
    'pip3-freeze.txt': 'Django==4.2.1\nlocal @ file:///work/local\n-e git+https://x#egg=y\n',
    'npm-list.txt': '/usr/lib\n├── @scope/tool@1.2.3\n├─┬ npm@9.2.0\n└── (empty)\n`-- old@0.1.0\n',
    'composer-list.txt': 'monolog/monolog  v3.4.0  Sends your logs\n',
    'gems-list.txt': '*** LOCAL GEMS ***\n\nrake (13.0.6, 12.3)\njson (default: 2.6.1)\n',
    'timings.txt': 'a==1\n',
  };
  const found = installedPackages(lists).map(({ system, name, version }) => `${system} ${name} ${version}`);
  t.same(found, [
    'apk musl 1.2.4-r2',
    'apk py3-six 1.16.0-r6',
    'composer monolog/monolog 3.4.0',
    'gem json 2.6.1',
    'gem rake 13.0.6',
    'npm @scope/tool 1.2.3',
    'npm npm 9.2.0',
    'npm old 0.1.0',
    'pypi Django 4.2.1',
  ]);
  t.end();
});

t.test('packages of this Debian: none is missed', t => {
  const env = { ...process.env, COLUMNS: '200' };
  const list = spawnSync('dpkg', ['-l'], { env, encoding: 'utf8' }).stdout;
  const format = `-f=${['db:Status-Status', 'Package', 'Version', 'Architecture'].map(key => `\${${key}}`).join(' ')}\n`;
  const known = spawnSync('dpkg-query', ['-W', format], { encoding: 'utf8' }).stdout;
  const wanted = known.split('\n').filter(line => line.startsWith('installed '));
  const found = installedPackages({ 'debian-packages.txt': list });
  const lines = found.map(one => `installed ${one.name} ${one.version} ${one.architecture}`);
  t.same(lines.sort(), wanted.sort());
  t.end();
});

t.test('SPDX: package URLs, and the same text for the same image', t => {
  const installed = installedPackages({
    'debian-packages.txt': 'ii  libc6:amd64  1:2.36-9+deb12u1  amd64  GNU C Library\nrc  gone  1  all  x\n',
    'npm-list.txt': '├── @scope/tool@1.2.3\n',
  });
  const subject = {
    name: 'app',
    version: '01234567',
    digest: `sha256:${'ab'.repeat(32)}`,
    distribution: 'debian',
  };
  const text = spdxText({ ...subject, createdS: 1_700_000_000 }, installed);
  t.equal(spdxText({ ...subject, createdS: 1_700_000_000 }, installed), text);
  const document = JSON.parse(text);
  t.match(document, { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', dataLicense: 'CC0-1.0' });
  t.equal(document.creationInfo.created, '2023-11-14T22:13:20Z');
  const urls = document.packages.flatMap((one: { externalRefs?: { referenceLocator: string }[] }) =>
    (one.externalRefs ?? []).map(({ referenceLocator }) => referenceLocator),
  );
  t.same(urls, ['pkg:deb/debian/libc6@1%3A2.36-9%2Bdeb12u1?arch=amd64', 'pkg:npm/%40scope/tool@1.2.3']);
  const ids = new Set(document.packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID));
  t.equal(ids.size, 3);
  for (const { relationshipType, relatedSpdxElement } of document.relationships)
    t.ok(ids.has(relatedSpdxElement), `${relationshipType} ${relatedSpdxElement}`);
  t.end();
});
