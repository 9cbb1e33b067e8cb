// Alpine against a mirror on loopback that speaks its protocol: index, package, signatures and checksums are real. What
// the package holds is not Alpine's program (there is none to be had here) but a script that writes down how it is called.

import { copyFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { makeIndex, makeKey, makePackage } from './alpine-mirror.ts';
import { Rig, ROOT_AND_USER } from './rig.ts';

const key = makeKey('own-mirror.rsa.pub');
const RECORDER = `#!/bin/sh
echo "CALLED apk.static $*"
echo "IN $(pwd) LANG=$LANG $(busybox ls /run/vagga-apk-keys | busybox grep -c rsa.pub) keys"
`;
const tools = makePackage({
  key,
  name: 'apk-tools-static',
  version: '2.12.7-r3',
  files: { 'sbin/apk.static': RECORDER },
});
const files: Record<string, Buffer> = {
  'v3.15/main/x86_64/APKINDEX.tar.gz': makeIndex(key, [tools]),
  'v3.15/main/x86_64/apk-tools-static-2.12.7-r3.apk': tools.bytes,
  'v3.16/main/x86_64/APKINDEX.tar.gz': makeIndex(makeKey('stranger.rsa.pub'), [tools]),
};
const asked: string[] = [];
const server = createServer((request, response) => {
  const path = (request.url ?? '').replace('/alpine/', '');
  asked.push(path);
  const bytes = files[path];
  if (bytes === undefined) response.writeHead(404).end();
  else response.end(bytes);
});

const BUSYBOX = `    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
`;
const CONFIG = `containers:
  app:
    setup:
${BUSYBOX}    - !Alpine v3.15
    - !BuildDeps [bc>=1.07]
    - !AlpineRepo {branch: edge, repo: community, tag: community}
    - !Repo community
    - !Install [tini@community]
    - !Sh echo "LANG is $LANG"
  child:
    setup:
    - !Container app
    - !Install [tree]
  stranger:
    setup:
    - !Alpine v3.16
  none:
    setup:
    - !Alpine v3.99
`;

t.before(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve())));
t.teardown(() => server.close());

function project(as: 'root' | 'user'): Rig {
  const rig = new Rig({ as });
  const { port } = server.address() as AddressInfo;
  asked.length = 0;
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  rig.write('vagga.yaml', CONFIG);
  rig.write('keys/own-mirror.rsa.pub', key.publicPem);
  rig.write('.vagga.settings.yaml', `alpine-mirror: http://127.0.0.1:${port}/alpine\n`);
  return rig;
}

const build = (rig: Rig, name: string) =>
  rig.start(['_build', name], { VAGGA_SETTINGS: `alpine-keys: ${join(rig.root, 'keys')}` }).ended;

function log(rig: Rig, name: string, file = 'build.log'): string {
  const short = rig.run('_version_hash', '-s', name).stdout.trim();
  return rig.read(`.vagga/.roots/${name}.${short}/${file}`);
}

for (const as of ROOT_AND_USER)
  t.test(`Alpine as ${as}`, async t => {
    const rig = project(as);
    t.teardown(() => rig.remove());

    t.test('§2.1 !Alpine, §4.8 alpine-mirror: the package manager is fetched, verified and run', async t => {
      const built = await build(rig, 'app');
      t.equal(built.code, 0, built.stderr);
      const text = log(rig, 'app');
      const called = text.split('\n').filter(line => line.startsWith('CALLED'));
      const common = 'CALLED apk.static --root / --cache-dir /run/vagga-apk-cache';
      t.same(called, [
        `${common} --update-cache --keys-dir /run/vagga-apk-keys --initdb add alpine-base`,
        `${common} add bc>=1.07`,
        `${common} --update-cache add tini@community`,
        `${common} del bc`,
      ]);
      t.match(text, /IN \/work LANG=en_US.UTF-8 1[0-9] keys/);
      t.match(text, 'LANG is en_US.UTF-8');
      t.match(text, 'apk-tools-static 2.12.7-r3: signatures and checksums are right');
      t.match(log(rig, 'app', 'alpine-packages.txt'), /^CALLED .* -vv info$/m);
      t.equal(asked.length, 2, 'the index and the package once');
    });

    t.test('§2.1 !AlpineRepo, §2.1 !Repo: repositories are appended', async t => {
      const mirror = rig.read('.vagga.settings.yaml').split(': ')[1]?.trim();
      t.equal(
        rig.read('.vagga/app/etc/apk/repositories'),
        `${mirror}/v3.15/main\n@community ${mirror}/edge/community\n${mirror}/v3.15/community\n`,
      );
      t.match(rig.read('.vagga/app/etc/apk/keys/own-mirror.rsa.pub'), 'BEGIN PUBLIC KEY');
      t.same(rig.list('.vagga/app/run'), [], 'nothing of the tools stays in the image');
    });

    t.test('§2.0 inheritance: a container on top of it installs with the same tools', async t => {
      const built = await build(rig, 'child');
      t.equal(built.code, 0, built.stderr);
      t.match(log(rig, 'child'), /CALLED .* --update-cache add tree/);
      t.equal(asked.length, 2, 'which are in the cache');
    });

    t.test('§2.1 !Alpine: what is not trusted is not run', async t => {
      const stranger = await build(rig, 'stranger');
      t.equal(stranger.code, 121);
      t.match(stranger.stderr, 'APKINDEX.tar.gz is signed by an unknown key: stranger.rsa.pub');
      const none = await build(rig, 'none');
      t.match(none.stderr, /v3.99\/main\/x86_64\/APKINDEX.tar.gz: the server answered 404; name another/);
    });
  });
