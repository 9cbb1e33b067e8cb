// What must hold before Alpine's package manager is run: each link of the chain from the key to the program is broken once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { openIndex, openPackage, trustedAlpineKeys } from '../../src/adapters/build/distro/apk-static.ts';
import { findPackage, type IndexEntry } from '../../src/core/apk/index-file.ts';
import { makeIndex, makeKey, makePackage, sign, tarPart } from '../e2e/alpine-mirror.ts';

const key = makeKey('test-1.rsa.pub');
const other = makeKey('test-2.rsa.pub');
const keys = new Map([[key.name, key.publicPem]]);
const FILES = { 'sbin/apk.static': 'program', 'sbin/other': 'x' };
const good = makePackage({ key, name: 'apk-tools-static', version: '2.12.7-r3', files: FILES });
const more = makePackage({ key, name: 'apk-tools', version: '2.12.7-r3', files: {} });

function entryOf(index: Buffer): IndexEntry {
  const entry = findPackage(openIndex(index, keys), 'apk-tools-static');
  if (entry === undefined) throw new Error('not in the index');
  return entry;
}

t.test('§2.1 !Alpine: a signed index leads to a signed package', async t => {
  const entry = entryOf(makeIndex(key, [more, good]));
  t.match(entry, { name: 'apk-tools-static', version: '2.12.7-r3', sizeBytes: good.bytes.length });
  const program = openPackage(good.bytes, entry, keys, 'sbin/apk.static');
  t.equal(Buffer.from(program).toString(), 'program');
  const modern = makePackage({
    key,
    name: 'apk-tools-static',
    version: '3.0-r0',
    files: FILES,
    digest: 'RSA256',
  });
  const newer = entryOf(makeIndex(key, [modern], 'RSA256'));
  t.ok(openPackage(modern.bytes, newer, keys, 'sbin/apk.static'), 'also with SHA-256');
  t.equal(findPackage(openIndex(makeIndex(key, [more]), keys), 'apk-tools-static'), undefined);
  t.throws(() => openPackage(good.bytes, entry, keys, 'sbin/none'), /holds no sbin\/none/);
});

t.test('§2.1 !Alpine: nothing unsigned, foreign or changed gets through', async t => {
  const index = makeIndex(key, [good]);
  t.throws(() => openIndex(makeIndex(other, [good]), keys), /signed by an unknown key: test-2.rsa.pub/);
  const forged = makeIndex({ ...other, name: key.name }, [good]);
  t.throws(() => openIndex(forged, keys), /the signature of APKINDEX.tar.gz is wrong/);
  t.throws(() => openIndex(gzipSync(tarPart('APKINDEX', good.entry)), keys), /is not signed/);
  t.throws(() => openIndex(Buffer.from('<html>'), keys), /not compressed with gzip/);
  t.throws(() => openIndex(index.subarray(0, index.length - 40), keys), /unexpected end of file/);
  t.throws(() => openIndex(sign(gzipSync(tarPart('X', 'y')), key), keys), /holds no APKINDEX/);

  const entry = entryOf(index);
  const open =
    (bytes: Buffer, from = entry) =>
    () =>
      openPackage(bytes, from, keys, 'sbin/apk.static');
  const swapped = makePackage({
    key,
    name: 'apk-tools-static',
    version: '2.12.7-r3',
    files: { 'sbin/apk.static': 'bad' },
  });
  t.throws(open(swapped.bytes), /is not the one that the index names/, 'an old package of the same key');
  const foreign = makePackage({ key: other, name: 'apk-tools-static', version: '2.12.7-r3', files: FILES });
  t.throws(open(foreign.bytes), /signed by an unknown key/);
  const lying = makePackage({
    key,
    name: 'apk-tools-static',
    version: '2.12.7-r3',
    files: FILES,
    wrongDataHash: true,
  });
  t.throws(open(lying.bytes, entryOf(makeIndex(key, [lying]))), /the data of .* is damaged/);
  t.throws(open(Buffer.concat([good.bytes.subarray(0, -200), gzipSync('x')])), /./);
});

t.test('§2.1 !Alpine: an index that is odd names no package', async t => {
  t.equal(findPackage('P:a\nV:../../x\nC:Q1aa\nS:1\n\n', 'a'), undefined);
  t.equal(findPackage('P:a\nV:1\nC:aa\nS:1\n\n', 'a'), undefined);
  t.equal(findPackage('P:ab\nV:1\nC:Q1aa\nS:1\n\n', 'a'), undefined);
  t.equal(findPackage('', 'a'), undefined);
});

t.test("§2.1 !Alpine: Alpine's own keys are there, a user's are added", async t => {
  const own = trustedAlpineKeys(undefined);
  t.ok(own.has('alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub'), 'x86_64 until v3.15');
  t.ok(own.has('alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub'), 'x86_64 since');
  const directory = mkdtempSync(join(tmpdir(), 'vagga-keys-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, key.name), key.publicPem);
  writeFileSync(join(directory, 'README'), 'not a key');
  t.equal(trustedAlpineKeys(directory).size, own.size + 1);
});
