// Ordinary archives, made by the ordinary programs: what we unpack is what they unpack.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { unpackTar, unpackZip } from '../../src/adapters/archive/unpack.ts';
import { gnuLong, pax, TAR_END, tarGz, tarMember, zip } from '../archives/make.ts';
import { Scratch } from '../archives/scratch.ts';
import { treeLines } from '../archives/tree.ts';

const scratch = new Scratch();
t.teardown(() => scratch.remove());
t.beforeEach(() => scratch.empty());

const signal = new AbortController().signal;
const into = (archive: string, more: { subdir?: string; base?: string[] } = {}) => ({
  archive,
  root: scratch.root,
  base: more.base ?? [],
  subdir: more.subdir ?? '',
  owners: 'ours' as const,
  signal,
});
const inRoot = (path: string): string => join(scratch.root, path);
const text = (path: string): string => readFileSync(inRoot(path), 'utf8');

function run(program: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(program, words, { cwd: scratch.base, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}

/** A tree with everything that archives can hold, in `source`. */
function makeSource(): string {
  const source = join(scratch.base, 'source');
  rmSync(source, { recursive: true, force: true });
  const deep = join(source, 'top', 'd'.repeat(120), 'e'.repeat(120));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'long name äöü.txt'), 'deep');
  writeFileSync(join(source, 'top/program'), 'x'.repeat(70_000));
  chmodSync(join(source, 'top/program'), 0o4755);
  linkSync(join(source, 'top/program'), join(source, 'top/again'));
  symlinkSync('program', join(source, 'top/link'));
  symlinkSync(`../${'t'.repeat(150)}`, join(source, 'top/far'));
  writeFileSync(join(source, 'top/empty'), '');
  mkdirSync(join(source, 'top/secret'), { mode: 0o700 });
  writeFileSync(Buffer.concat([Buffer.from(join(source, 'top/latin-')), Buffer.from([0xe9])]), 'é');
  // Another time than now, of those last that others are in.
  for (const path of ['top/secret', `top/${'d'.repeat(120)}`, 'top'])
    utimesSync(join(source, path), 1_000_000_000, 1_000_000_000);
  return source;
}

/** What another program made of it. */
function unpackedBy(...words: string[]): string[] {
  scratch.empty();
  run('tar', ...words, '-C', scratch.root);
  const found = unpackedTree();
  scratch.empty();
  return found;
}

/** Without what was there before. */
const unpackedTree = (): string[] =>
  treeLines(scratch.root, { times: true }).filter(line => line.startsWith('/top'));

t.test('§2.3 !Tar: what tar unpacks, whatever the compression and the format', async t => {
  const source = makeSource();
  for (const format of ['gnu', 'pax', 'ustar']) {
    const names = format === 'ustar' ? ['top/program', 'top/again', 'top/link', 'top/empty'] : ['top'];
    for (const [flag, ending] of [
      ['-z', 'gz'],
      ['-J', 'xz'],
      ['-j', 'bz2'],
      ['--zstd', 'zst'],
    ] as const) {
      const archive = join(scratch.base, `${format}.tar.${ending}`);
      run('tar', '-c', flag, `--format=${format}`, '-f', archive, '-C', source, ...names);
      // A directory that the archive does not name has the time of being made.
      const timeless = (lines: string[]) =>
        lines.map(line => (names.includes('top') ? line : line.replace(/^(\/top \d.*) \d+$/, '$1')));
      const theirs = timeless(unpackedBy('-x', '-p', '-f', archive));
      await unpackTar(into(archive));
      t.ok(theirs.length > 3);
      t.same(timeless(unpackedTree()), theirs, `${format} ${ending}`);
      scratch.empty();
    }
  }
});

/** Pieces of data at these places of a file of that size. */
function holes(path: string, sizeBytes: number, places: readonly number[]): void {
  const fd = openSync(path, 'w');
  for (const place of places) writeSync(fd, `piece at ${place}`, place);
  ftruncateSync(fd, sizeBytes);
  closeSync(fd);
}

t.test('§2.3 !Tar: files with holes, in the forms in which tar writes them', async t => {
  const source = join(scratch.base, 'holes');
  mkdirSync(source);
  const files = {
    begin: [100_000, [0]],
    middle: [500_000, [200_000]],
    end: [300_000, [299_000]],
    nothing: [123_456, []],
    // More pieces than one block of a map has room for.
    many: [20_000_000, Array.from({ length: 150 }, (_, index) => index * 131_072)],
  } as const;
  for (const [name, [size, places]] of Object.entries(files)) holes(join(source, name), size, places);
  writeFileSync(join(source, 'zz-plain'), 'after it');
  for (const form of ['--format=gnu', '--format=pax --sparse-version=1.0']) {
    const archive = join(scratch.base, 'holes.tgz');
    run('tar', '-c', '-z', '-S', ...form.split(' '), '-f', archive, '-C', source, '.');
    await unpackTar(into(archive));
    for (const name of [...Object.keys(files), 'zz-plain'])
      t.ok(readFileSync(join(source, name)).equals(readFileSync(inRoot(name))), `${form} ${name}`);
    scratch.empty();
  }
  const archive = join(scratch.base, 'old.tgz');
  run('tar', '-c', '-z', '-S', '--format=pax', '--sparse-version=0.1', '-f', archive, '-C', source, '.');
  await t.rejects(unpackTar(into(archive)), /sparse file in a form that is not supported/);
});

t.test('§2.3 !Tar: subdir selects and strips, "." and "" take all, a missing one is an error', async t => {
  const archive = scratch.write(
    'a.tgz',
    tarGz(
      { name: './app/', type: '5', mode: 0o750 },
      { name: './app/bin/tool', mode: 0o755, data: 'tool' },
      { name: './application', data: 'no' },
      { name: './app/same', type: '1', target: 'app/bin/tool' },
    ),
  );
  await unpackTar(into(archive, { subdir: 'app', base: ['opt', 'x'] }));
  t.equal(text('opt/x/bin/tool'), 'tool');
  t.equal(lstatSync(inRoot('opt/x')).mode & 0o777, 0o750, 'made by the archive, so its mode counts');
  t.equal(lstatSync(inRoot('opt')).mode & 0o777, 0o755, 'missing parents');
  t.equal(lstatSync(inRoot('opt/x/same')).nlink, 2);
  t.throws(() => lstatSync(inRoot('opt/x/application')));
  await unpackTar(into(archive, { subdir: '.' }));
  t.equal(text('app/bin/tool'), 'tool');
  await t.rejects(unpackTar(into(archive, { subdir: './dir' })), {
    message: '"./dir" is not found in archive',
  });
  const outside = tarGz({ name: 'a/file', data: 'x' }, { name: 'b/link', type: '1', target: 'a/file' });
  const other = scratch.write('o.tgz', outside);
  await t.rejects(unpackTar(into(other, { subdir: 'b' })), /target is not unpacked/);
});

t.test('§2.3 !Tar: existing files are replaced, directories merged, a taken symlink is an error', async t => {
  symlinkSync('passwd', inRoot('etc/link'));
  chmodSync(inRoot('etc'), 0o711);
  const good = tarGz(
    { name: 'etc/', type: '5', mode: 0o777 },
    { name: 'etc/passwd', data: 'new' },
    { name: 'etc/link', data: 'a file' },
    { name: 'bin/', type: '5', mode: 0o700 },
    { name: '/bin/tool', data: 'in usr/bin' },
    { name: 'late', type: '1', target: 'later' },
    { name: 'later', data: 'links come last', mode: 0o600 },
    { name: 'null', type: '3' },
    { name: 'pipe', type: '6' },
  );
  await unpackTar(into(scratch.write('a.tgz', good)));
  t.equal(lstatSync(inRoot('etc')).mode & 0o777, 0o711, 'existing directories keep their mode');
  t.equal(text('etc/passwd'), 'new', 'not through the link');
  t.equal(text('etc/link'), 'a file');
  t.equal(readlinkSync(inRoot('bin')), 'usr/bin', 'a link to a directory stays');
  t.equal(text('usr/bin/tool'), 'in usr/bin', 'a leading slash is dropped');
  t.equal(text('late'), 'links come last');
  t.equal(lstatSync(inRoot('late')).mode & 0o777, 0o600);
  t.ok(lstatSync(inRoot('null')).isFile(), 'devices become empty files');
  t.ok(lstatSync(inRoot('pipe')).isFile());
  t.equal(lstatSync(inRoot('late')).mtimeMs, 1_000_000_000_000);
  const link = scratch.write('b.tgz', tarGz({ name: 'etc/link', type: '2', target: 'x' }));
  await t.rejects(unpackTar(into(link)), { message: 'the place of symlink "/etc/link" is taken' });
  await t.rejects(unpackTar(into(scratch.write('plain.tar', TAR_END))), /unexpected compression/);
});

t.test('§2.3 !Tar: names of every dialect', async t => {
  const long = `${'a/'.repeat(70)}file`;
  // The size of the extended header counts, not that of the old one.
  const body = Buffer.concat([Buffer.from('abc'), Buffer.alloc(509)]);
  const whole = Buffer.concat([
    pax({ comment: 'for all', mtime: '1234567890.5' }, 'g'),
    pax({ path: 'pax/näme', size: '3', mtime: '42.25' }),
    tarMember({ name: 'short', size: 0 }),
    body,
    gnuLong('L', long),
    tarMember({ name: 'cut', data: 'gnu' }),
    gnuLong('K', 't'.repeat(200)),
    tarMember({ name: 'link', type: '2', target: 'cut' }),
    tarMember({ name: 'old/', type: '\0' }),
    tarMember({ name: 'file', data: 'prefix', twist: header => header.write('in/front', 345, 'latin1') }),
    tarMember({ name: 'label', type: 'V' }),
    tarMember({
      name: 'big',
      data: 'x',
      twist: header => {
        header.fill(0, 124, 136);
        header[124] = 0x80;
        header[135] = 1;
      },
    }),
    TAR_END,
  ]);
  await unpackTar(into(scratch.write('d.tgz', gzipSync(whole))));
  t.equal(text('pax/näme'), 'abc');
  t.equal(lstatSync(inRoot('pax/näme')).mtimeMs, 42_250);
  t.equal(text(long), 'gnu');
  t.equal(readlinkSync(inRoot('link')), 't'.repeat(200));
  t.ok(lstatSync(inRoot('old')).isDirectory());
  t.equal(text('in/front/file'), 'prefix');
  t.equal(text('big'), 'x', 'sizes in base 256');
});

t.test('§2.3 !Unzip: what zip packs, with modes and links; subdir as for tar', async t => {
  const source = makeSource();
  const archive = join(scratch.base, 'a.zip');
  rmSync(archive, { force: true });
  spawnSync('zip', ['-q', '-r', '-y', archive, 'top', '-x', '*latin*'], { cwd: source });
  await unpackZip(into(archive, { subdir: 'top', base: ['z'] }));
  t.equal(text('z/program').length, 70_000);
  t.equal(lstatSync(inRoot('z/program')).mode & 0o7777, 0o4755);
  t.equal(readlinkSync(inRoot('z/link')), 'program');
  t.equal(lstatSync(inRoot('z/secret')).mode & 0o777, 0o700);
  t.equal(text(`z/${'d'.repeat(120)}/${'e'.repeat(120)}/long name äöü.txt`), 'deep');
  await t.rejects(unpackZip(into(archive, { subdir: './dir' })), {
    message: '"./dir" is not found in archive',
  });
});

t.test('§2.3 !Unzip: DOS entries, zip64, data in front, stored', async t => {
  const bytes = zip(
    [
      { name: 'dos.txt', data: 'dos' },
      { name: 'dir/', data: '' },
      { name: 'wide', data: 'zip64', zip64: true, mode: 0o100640 },
      { name: 'stored', data: 's'.repeat(1000), stored: true },
    ],
    { front: Buffer.from('#!/bin/sh\nexit\n') },
  );
  await unpackZip(into(scratch.write('b.zip', bytes)));
  t.equal(text('dos.txt'), 'dos');
  t.equal(lstatSync(inRoot('dos.txt')).mode & 0o777, 0o644);
  t.equal(text('wide'), 'zip64');
  t.equal(lstatSync(inRoot('wide')).mode & 0o777, 0o640);
  t.equal(text('stored').length, 1000);
  t.equal(lstatSync(inRoot('dos.txt')).mtimeMs, Date.UTC(1980, 0, 1));
});
