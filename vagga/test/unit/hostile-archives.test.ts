// Archives made to do harm. Each named one must end in a clear error or unpack harmlessly; nothing around the root may
// change, ever. Then thousands of damaged ones. `!OciImage` has the same in its own file.
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { unpackTar, unpackZip } from '../../src/adapters/archive/unpack.ts';
import { ArchiveError } from '../../src/core/archive/error.ts';
import {
  gnuLong,
  pax,
  paxRecord,
  TAR_END,
  type TarMember,
  tar,
  tarGz,
  tarMember,
  zip,
} from '../archives/make.ts';
import { Mutator } from '../archives/mutate.ts';
import { Scratch } from '../archives/scratch.ts';

const scratch = new Scratch();
t.teardown(() => scratch.remove());

const LIMITS = { entries: 1000, unpackedBytes: 4 << 20, metadataBytes: 64 << 10, nameBytes: 4096, depth: 64 };
const signal = new AbortController().signal;

async function unpack(kind: 'tar' | 'zip', bytes: Buffer, base: string[] = []): Promise<string> {
  const archive = scratch.write(`hostile.${kind}`, bytes);
  const request = {
    archive,
    root: scratch.root,
    base,
    subdir: '',
    owners: 'kept' as const,
    signal,
    limits: LIMITS,
  };
  try {
    await (kind === 'tar' ? unpackTar(request) : unpackZip(request));
    return 'unpacked';
  } catch (error) {
    // Anything else is our bug.
    if (!(error instanceof ArchiveError)) throw error;
    return error.message;
  }
}

type Case = readonly [string, Buffer, RegExp, ((root: string) => boolean)?];
const DONE = /^unpacked$/;

const content = (path: string) => (root: string) => readFileSync(join(root, path), 'utf8') === 'evil';
const absent = (path: string) => (root: string) =>
  lstatSync(join(root, path), { throwIfNoEntry: false }) === undefined;
const evil = (name: string, more: Partial<TarMember> = {}): TarMember => ({ name, data: 'evil', ...more });
const link = (name: string, target: string): TarMember => ({ name, type: '2', target });
const hard = (name: string, target: string): TarMember => ({ name, type: '1', target });
const directory = (name: string): TarMember => ({ name, type: '5', mode: 0o755 });
const header = (twist: (header: Buffer) => void, more: Partial<TarMember> = {}) =>
  tarGz({ name: 'x', twist, ...more });
const raw = (...parts: Buffer[]) => gzipSync(Buffer.concat(parts));
const canary = scratch.canary;
const around = join(scratch.base, 'around');

/** As GNU tar writes a file with holes: pieces by place and length; the data is always `evil`. */
const gnuSparse = (
  pieces: readonly (readonly [number, number])[],
  fileBytes: number,
  more = 0,
): TarMember => {
  const write = (header: Buffer, at: number, value: number) => {
    header.fill(value < 0 ? 0xff : 0, at, at + 12);
    header.writeBigInt64BE(BigInt(value), at + 4);
    if (value >= 0) header[at] = 0x80;
  };
  const twist = (header: Buffer) => {
    for (const [index, [offset, bytes]] of pieces.entries()) {
      write(header, 386 + index * 24, offset);
      write(header, 398 + index * 24, bytes);
    }
    header[482] = more;
    write(header, 483, fileBytes);
  };
  return evil('holes', { type: 'S', twist });
};
const SPARSE = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1000' };
const PAX_SPARSE = pax(SPARSE);
/** A block of the map in front of the data. */
const map = (...lines: readonly (number | string)[]) =>
  lines
    .map(line => `${line}\n`)
    .join('')
    .padEnd(512, '\0');

const tarCases: readonly Case[] = [
  ['a name with ..', tarGz(evil('../canary')), /name that leads out of it: "..\/canary"/],
  ['a name with .. in the middle', tarGz(evil('a/../../canary')), /leads out/],
  ['a name that ends with ..', tarGz(directory('a/..')), /leads out/],
  ['an absolute name', tarGz(evil(canary)), DONE, root => content(canary.slice(1))(root)],
  ['many slashes in front', tarGz(evil(`////${canary}`)), DONE, content(canary.slice(1))],
  [
    'a long name with ..',
    raw(gnuLong('L', `${'a/'.repeat(10)}${'../'.repeat(30)}canary`), tarMember(evil('x')), TAR_END),
    /leads out/,
  ],
  ['a PAX path with ..', tarGz(pax({ path: '../canary' }), evil('x')), /leads out/],
  ['a global PAX path with ..', tarGz(pax({ path: '../canary' }, 'g'), evil('x')), /leads out/],
  ['a prefix with ..', header(bytes => bytes.write('..', 345, 'latin1'), evil('canary')), /leads out/],
  ['a name with a zero byte', tarGz(pax({ path: 'a\0/../../canary' }), evil('x')), /zero byte/],
  ['an empty name', tarGz(evil('')), /without a name/],
  ['a file named .', tarGz(evil('.')), /is not a directory/],
  ['a file named ./', tarGz(evil('./', { data: '' })), DONE],
  ['a symlink named .', tarGz(link('.', around)), /is not a directory/],
  [
    'a symlink to .. and a file through it',
    tarGz(link('a', '..'), evil('a/canary')),
    DONE,
    content('canary'),
  ],
  [
    'a symlink to an absolute directory and a file through it',
    tarGz(link('a', around), evil('a/canary')),
    /leads nowhere|is not a directory/,
  ],
  ['a symlink to the root', tarGz(link('a', '/'), evil('a/canary')), DONE, content('canary')],
  ['a symlink to the canary and a file over it', tarGz(link('a', canary), evil('a')), DONE, content('a')],
  [
    'a symlink to the canary and a directory over it',
    tarGz(link('a', around), directory('a'), evil('a/canary')),
    DONE,
    content('a/canary'),
  ],
  [
    'a chain of symlinks that climbs',
    tarGz(link('a', '..'), link('b', 'a/..'), link('c', 'b/..'), evil('c/canary')),
    DONE,
    content('canary'),
  ],
  ['symlinks in a circle', tarGz(link('a', 'b'), link('b', 'a'), evil('a/x')), /leads in circles/],
  ['a symlink to itself', tarGz(link('a', 'a'), evil('a/x')), /leads in circles/],
  ['a symlink without a target', tarGz(link('a', '')), /damaged symlink/],
  [
    'a symlink with an endless target',
    raw(gnuLong('K', 'x'.repeat(5000)), tarMember(link('a', 'x')), TAR_END),
    /damaged symlink/,
  ],
  ['a symlink into /proc', tarGz(link('a', '/proc/self/root'), evil('a/tmp')), /leads nowhere|circles/],
  ['a file through a file', tarGz(evil('a'), evil('a/b')), /"\/a" is not a directory/],
  ['a file over a directory', tarGz(directory('a'), evil('a')), /is a directory in the image/],
  ['a symlink over a directory', tarGz(directory('a'), link('a', around)), /is taken/],
  ['a hard link to ..', tarGz(hard('a', '../canary'), evil('a')), /leads out/],
  ['a hard link to an absolute name', tarGz(hard('a', canary)), /its target is not a file/],
  [
    'a hard link through a symlink that leads out',
    tarGz(link('l', around), hard('a', 'l/canary')),
    /its target is not a file/,
  ],
  [
    'a hard link to a symlink that leads out',
    tarGz(link('l', canary), hard('a', 'l'), evil('b')),
    DONE,
    root => lstatSync(join(root, 'a')).isSymbolicLink(),
  ],
  ['a hard link to a directory', tarGz(directory('d'), hard('a', 'd')), /its target is not a file/],
  ['a hard link to nothing', tarGz(hard('a', 'nothing')), /its target is not a file/],
  ['a hard link to itself', tarGz(hard('a', 'a')), /its target is not a file/],
  ['a hard link over its own target', tarGz(evil('a'), hard('a', './a')), DONE, content('a')],
  [
    'a hard link to a file of the image, then written',
    tarGz(hard('a', 'etc/passwd'), evil('b')),
    DONE,
    root => readFileSync(join(root, 'etc/passwd'), 'utf8') === 'root',
  ],
  [
    'a device',
    tarGz({ name: 'sda', type: '4', twist: bytes => bytes.write('0000010\0', 329, 'latin1') }),
    DONE,
    root => lstatSync(join(root, 'sda')).isFile(),
  ],
  ['a set-user-id file of root', tarGz(evil('su', { mode: 0o4755 })), DONE],
  [
    'names of overlay mounts',
    tarGz(
      pax({ 'SCHILY.xattr.user.overlay.redirect': '/', 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
      evil('a'),
    ),
    DONE,
    content('a'),
  ],
  ['a wrong checksum', tarGz(evil('a', { checksum: 1 })), /checksum is wrong/],
  [
    'a size that is no number',
    header(bytes => bytes.write('9x', 124, 'latin1')),
    /size of "x" is not a number/,
  ],
  ['a negative size', header(bytes => bytes.fill(0xff, 124, 136)), /negative size/],
  [
    'a size beyond all files',
    header(bytes => bytes.fill(0xff, 125, 136).writeUInt8(0x80, 124)),
    /out of range/,
  ],
  ['a size of more than there is', tarGz(evil('a', { size: 3000 })), /cut off/],
  [
    'a size of terabytes',
    header(bytes => {
      bytes.fill(0, 124, 136);
      bytes[124] = 0x80;
      bytes[130] = 8;
    }),
    /unpacks to more than/,
  ],
  ['an unknown type', tarGz(evil('a', { type: 'Z' })), /unknown type "Z"/],
  ['a sparse file without a map', tarGz(evil('a', { type: 'S' })), /map of a sparse file/],
  ['a sparse file of PAX without a size', tarGz(pax({ 'GNU.sparse.major': '1' }), evil('a')), /sparse file/],
  ['a sparse file of terabytes', tarGz(gnuSparse([[0, 4]], 1e12)), /unpacks to more than/],
  ['a sparse file with a size below zero', tarGz(gnuSparse([[0, 4]], -5)), /map of a sparse file/],
  [
    'pieces that lie on each other',
    tarGz(
      gnuSparse(
        [
          [0, 3],
          [2, 1],
        ],
        100,
      ),
    ),
    /map of a sparse file/,
  ],
  ['a piece in front of the file', tarGz(gnuSparse([[-4, 4]], 100)), /map of a sparse file/],
  ['a piece behind the end', tarGz(gnuSparse([[98, 4]], 100)), /map of a sparse file/],
  ['pieces of less than the data', tarGz(gnuSparse([[0, 1]], 100)), /map of a sparse file/],
  [
    'a map of holes that is none',
    tarGz({ ...gnuSparse([[0, 4]], 100, 1), data: Buffer.alloc(1024, 1) }),
    /is not a number/,
  ],
  [
    'a map of holes that does not end',
    raw(tarMember({ ...gnuSparse([[0, 4]], 100, 1), data: '' })),
    /cut off/,
  ],
  ['a map of holes in words', tarGz(PAX_SPARSE, evil('a', { data: map('one') })), /map of a sparse file/],
  [
    'a map of millions of holes',
    tarGz(PAX_SPARSE, evil('a', { data: map(9999999) })),
    /map of a sparse file/,
  ],
  ['a map longer than the data', tarGz(PAX_SPARSE, evil('a', { data: map(2, 0) })), /map of a sparse file/],
  ['a directory with holes', tarGz(PAX_SPARSE, evil('a', { type: '5' })), /map of a sparse file/],
  [
    'a sparse name that leads out',
    tarGz(pax({ ...SPARSE, 'GNU.sparse.name': '../canary' }), evil('a', { data: map(0) })),
    /leads out/,
  ],
  ['a volume of several', tarGz(evil('a', { type: 'M' })), /unknown type/],
  [
    'an extended header that lies about its length',
    tarGz(tarMember({ name: 'p', type: 'x', data: '999 path=a\n' }), evil('x')),
    /damaged extended/,
  ],
  [
    'an extended header of length 0',
    tarGz(tarMember({ name: 'p', type: 'x', data: '0 path=a\n' }), evil('x')),
    /damaged extended/,
  ],
  [
    'an extended header without =',
    tarGz(tarMember({ name: 'p', type: 'x', data: '8 paths\n' }), evil('x')),
    /damaged extended/,
  ],
  ['an extended header with a size in words', tarGz(pax({ size: '1e9' }), evil('x')), /size is "1e9"/],
  [
    'an extended header of megabytes',
    tarGz(tarMember({ name: 'p', type: 'x', data: paxRecord('comment', 'x'.repeat(100_000)) }), evil('x')),
    /extended header of more than/,
  ],
  [
    'a long name of megabytes',
    raw(gnuLong('L', 'a'.repeat(100_000)), tarMember(evil('x')), TAR_END),
    /extended header of more than/,
  ],
  [
    'a name of 5000 bytes',
    raw(gnuLong('L', 'a/'.repeat(2500)), tarMember(evil('x')), TAR_END),
    /name of more than 4096/,
  ],
  [
    'a component of 300 bytes',
    raw(gnuLong('L', 'a'.repeat(300)), tarMember(evil('x')), TAR_END),
    /more than 255/,
  ],
  [
    '100 directories in each other',
    raw(gnuLong('L', `${'a/'.repeat(100)}f`), tarMember(evil('x')), TAR_END),
    /more than 64 directories/,
  ],
  [
    'too many entries',
    tarGz(...Array.from({ length: 1001 }, (_, index) => evil(`f${index}`))),
    /more than 1000 entries/,
  ],
  ['a bomb of zeros', tarGz({ name: 'a', data: Buffer.alloc(5 << 20) }), /unpacks to more than/],
  ['a bomb behind the end', raw(TAR_END, Buffer.alloc(5 << 20)), /unpacks to more than/],
  [
    'a bomb of many files',
    tarGz(...Array.from({ length: 50 }, (_, index) => evil(`f${index}`, { data: Buffer.alloc(100_000) }))),
    /unpacks to more than/,
  ],
  ['cut in a header', raw(tar(evil('a')).subarray(0, 300)), /cut off/],
  ['cut in data', raw(tarMember(evil('a', { data: 'x'.repeat(900) })).subarray(0, 700)), /cut off/],
  ['cut behind an extended header', raw(pax({ path: 'a' })), /cut off/],
  [
    'cut in the compression',
    tarGz(evil('a', { data: 'x'.repeat(9000) })).subarray(0, 60),
    /damaged gzip data/,
  ],
  ['nothing but a compression', gzipSync(''), /cut off/],
  ['bytes of no meaning', raw(Buffer.alloc(2048, 0x41)), /damaged tar header/],
  ['not compressed', tar(evil('a')), /unexpected compression/],
  ['escape sequences in a name', tarGz(evil('a\x1b[2J/../b')), /"a\\x1b\[2J\/..\/b"/],
];

const file = (name: string, more = {}) => ({ name, data: 'evil', mode: 0o100644, ...more });
const zipLink = (name: string, target: string) => ({ name, data: target, mode: 0o120777 });

const zipCases: readonly Case[] = [
  ['a name with ..', zip([file('../canary')]), /leads out/],
  ['an absolute name', zip([file(canary)]), DONE, content(canary.slice(1))],
  ['a name with a zero byte', zip([file('a\0b')]), /zero byte/],
  ['an empty name', zip([file('')]), /without a name/],
  [
    'a symlink out and a file through it',
    zip([zipLink('a', around), file('a/canary')]),
    /leads nowhere|is not a directory/,
  ],
  [
    'a symlink to .. and a file through it',
    zip([zipLink('a', '..'), file('a/canary')]),
    DONE,
    content('canary'),
  ],
  ['a symlink to the canary and a file over it', zip([zipLink('a', canary), file('a')]), DONE, content('a')],
  ['a symlink with an endless target', zip([zipLink('a', 'x'.repeat(5000))]), /damaged symlink/],
  ['a symlink with a zero byte', zip([zipLink('a', 'x\0y')]), /damaged symlink/],
  ['a device', zip([file('a', { mode: 0o060600 })]), DONE, root => lstatSync(join(root, 'a')).isFile()],
  ['the same file twice', zip([file('a'), file('a')]), DONE, content('a')],
  ['a file over a directory', zip([{ name: 'a/', mode: 0o040755 }, file('a')]), /is a directory/],
  ['encrypted', zip([file('a', { flags: 1 })]), /encrypted/],
  ['a compression nobody knows', zip([file('a', { method: 99 })]), /method 99/],
  ['a wrong checksum', zip([file('a', { crc: 1 })]), /another size or checksum/],
  ['smaller than declared', zip([file('a', { size: 3000 })]), /another size or checksum/],
  ['bigger than declared', zip([file('a', { size: 1 })]), /another size or checksum/],
  ['a size beyond the limit', zip([file('a', { size: 5 << 20 })]), /unpacks to more than/],
  [
    'a bomb that declares little',
    zip([file('a', { data: Buffer.alloc(30 << 20), size: 100 })]),
    /another size or checksum/,
  ],
  ['files that share their data', zip([file('a'), file('b', { headerOffset: 0 })]), /overlaps/],
  ['a header that is not there', zip([file('a', { headerOffset: 3 })]), /overlaps|no header/],
  ['a header far behind the end', zip([file('a', { headerOffset: 0x7fffffff })]), /overlaps|no header/],
  ['more entries than there are', zip([file('a')], { entries: 7 }), /entries are missing/],
  ['fewer entries than there are', zip([file('a'), file('b')], { entries: 1 }), /entries are missing/],
  [
    'too many entries',
    zip(Array.from({ length: 1001 }, (_, index) => file(`f${index}`))),
    /more than 1000 entries/,
  ],
  ['cut at the end', zip([file('a')]).subarray(0, -5), /not a zip archive/],
  [
    'cut at the beginning',
    zip([file('a', { data: 'x'.repeat(500), stored: true })]).subarray(100),
    /not where it should be/,
  ],
  ['nothing', Buffer.alloc(0), /not a zip archive/],
  ['bytes of no meaning', Buffer.alloc(5000, 0x50), /not a zip archive/],
];

async function check(t: Test, kind: 'tar' | 'zip', cases: readonly Case[]): Promise<void> {
  const before = scratch.around();
  for (const [title, bytes, expected, inside] of cases) {
    scratch.empty();
    t.match(await unpack(kind, bytes), expected, title);
    if (inside !== undefined) t.ok(inside(scratch.root), `${title}: what is inside`);
    t.equal(scratch.around(), before, `${title}: nothing outside`);
  }
}

t.test('§2.3 !Tar: hostile archives, by name', t => check(t, 'tar', tarCases));
t.test('§2.3 !Unzip: hostile archives, by name', t => check(t, 'zip', zipCases));

/** Below another directory than `/`, through its links. */
t.test('§2.3 !Tar: a path of the image that leads elsewhere stays inside too', async t => {
  const before = scratch.around();
  scratch.empty();
  t.equal(await unpack('tar', tarGz(evil('tool')), ['abin', 'deeper']), 'unpacked');
  t.equal(readFileSync(join(scratch.root, 'usr/bin/deeper/tool'), 'utf8'), 'evil', 'as after chroot');
  t.equal(scratch.around(), before);
  t.ok(absent('abin/nothing')(scratch.root));
});

const seedTar = tar(
  directory('d'),
  evil('d/file', { data: 'x'.repeat(700) }),
  link('d/link', '../etc'),
  evil('d/link/below'),
  hard('d/hard', 'd/file'),
  pax({ path: 'd/päx', mtime: '1.5', 'SCHILY.xattr.user.a': 'b' }),
  evil('short'),
  gnuLong('L', `long/${'n'.repeat(120)}`),
  evil('cut'),
  gnuSparse(
    [
      [10, 3],
      [90, 1],
    ],
    600,
  ),
  PAX_SPARSE,
  evil('a', { data: `${map(2, 5, 2, 700, 2)}evil` }),
  { name: 'null', type: '3' },
);
const seedZip = zip([
  file('d/a'),
  zipLink('l', '../d'),
  file('l/b'),
  { name: 'e/' },
  file('w', { zip64: true }),
  file('s', { stored: true }),
]);

async function mutations(t: Test, kind: 'tar' | 'zip', seed: Buffer, count: number): Promise<void> {
  const before = scratch.around();
  const mutator = new Mutator(kind === 'tar' ? 41 : 42);
  const seen = new Map<string, number>();
  for (let round = 0; round < count; round++) {
    if (round % 50 === 0) scratch.empty();
    const damaged = mutator.mutate(seed);
    const outcome = await unpack(kind, kind === 'tar' ? gzipSync(damaged, { level: 1 }) : damaged);
    const how = outcome.replace(/".*/, '').slice(0, 40);
    seen.set(how, (seen.get(how) ?? 0) + 1);
    if (round % 250 === 249 && scratch.around() !== before)
      t.fail(`something outside changed before round ${round}`);
  }
  t.equal(scratch.around(), before, 'nothing outside');
  t.ok(seen.size > 8, `${seen.size} kinds of outcome: the damage is varied`);
  t.ok((seen.get('unpacked') ?? 0) < count * 0.9, 'and mostly real');
}

const MANY = process.env.SUITE_SOAK === '1' ? 20 : 1;

t.test('§2.3 !Tar: 2,500 damaged archives', t => mutations(t, 'tar', seedTar, 2500 * MANY));
t.test('§2.3 !Unzip: 1,000 damaged archives', t => mutations(t, 'zip', seedZip, 1000 * MANY));

t.test('§2.3 !Tar: 500 damaged compressions', async t => {
  const before = scratch.around();
  const mutator = new Mutator(43);
  const packed = gzipSync(seedTar);
  t.equal(gunzipSync(packed).length, seedTar.length);
  for (let round = 0; round < 500; round++) {
    if (round % 50 === 0) scratch.empty();
    await unpack('tar', mutator.mutate(packed));
  }
  t.equal(scratch.around(), before);
});
