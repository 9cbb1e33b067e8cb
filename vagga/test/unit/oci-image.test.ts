// Images: their names and documents, layers over each other, and images made to do harm.
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { codenameOf, lacksUniverse } from '../../src/adapters/build/distro/image-release.ts';
import { putHostFiles } from '../../src/adapters/build/host-files.ts';
import { textInRoot } from '../../src/adapters/build/in-root.ts';
import { applyImage } from '../../src/adapters/oci-image/apply.ts';
import { fromArchive } from '../../src/adapters/oci-image/from-archive.ts';
import { directoryReader, fromLayout } from '../../src/adapters/oci-image/from-layout.ts';
import { DirectoryTimes } from '../../src/core/archive/directory-times.ts';
import { ArchiveError } from '../../src/core/archive/error.ts';
import { parseChallenge } from '../../src/core/oci/challenge.ts';
import { distributionOfName, parseDistribution } from '../../src/core/oci/distribution.ts';
import { unexpectedRelease } from '../../src/core/oci/os-release.ts';
import { fits, parsePlatform, platformOf } from '../../src/core/oci/platform.ts';
import { type ImageReference, parseReference, referenceText } from '../../src/core/oci/reference.ts';
import { gnuLong, pax, type TarMember, tar, tarMember } from '../archives/make.ts';
import { Mutator } from '../archives/mutate.ts';
import { Layout, type LayoutImage } from '../archives/oci.ts';
import { Scratch } from '../archives/scratch.ts';

const scratch = new Scratch();
t.teardown(() => scratch.remove());
const { signal } = new AbortController();
const AMD64 = { os: 'linux', architecture: 'amd64' };
const LIMITS = { entries: 1000, unpackedBytes: 4 << 20, metadataBytes: 64 << 10, nameBytes: 4096, depth: 64 };
const directory = join(scratch.base, 'layout');

const file = (name: string, data = 'evil', more: Partial<TarMember> = {}): TarMember => ({
  name,
  data,
  ...more,
});
const dir = (name: string, more: Partial<TarMember> = {}): TarMember => ({
  name,
  type: '5',
  mode: 0o755,
  ...more,
});
const link = (name: string, target: string): TarMember => ({ name, type: '2', target });
const pipe = (name: string): TarMember => ({ name, type: '6' });
/** `type`: 3 for character devices, 4 for block devices. */
const device = (name: string, type: '3' | '4', major: number, minor: number): TarMember => ({
  name,
  type,
  mode: 0o666,
  twist: header => {
    header.write(`${major.toString(8).padStart(7, '0')}\0`, 329, 'latin1');
    header.write(`${minor.toString(8).padStart(7, '0')}\0`, 337, 'latin1');
  },
});
const hard = (name: string, target: string): TarMember => ({ name, type: '1', target });
const text = (path: string): string => readFileSync(join(scratch.root, path), 'utf8');
const exists = (path: string): boolean =>
  lstatSync(join(scratch.root, path), { throwIfNoEntry: false }) !== undefined;

t.test('names of images', async t => {
  const full = (name: string) => {
    const found = parseReference(name);
    return typeof found === 'string' ? `wrong: ${found}` : referenceText(found);
  };
  t.equal(full('debian'), 'docker.io/library/debian:latest');
  t.equal(full('grafana/grafana:10'), 'docker.io/grafana/grafana:10');
  t.equal(full('localhost/app'), 'localhost/app:latest');
  t.equal(full('127.0.0.1:5000/a/b:t'), '127.0.0.1:5000/a/b:t');
  t.equal(full('[::1]:5000/a'), '[::1]:5000/a:latest');
  const digest = `sha256:${'0'.repeat(64)}`;
  t.equal(full(`ghcr.io/x/y@${digest}`), `ghcr.io/x/y@${digest}`);
  t.equal(full(`ghcr.io/x/y:v1@${digest}`), `ghcr.io/x/y:v1@${digest}`);
  for (const wrong of [
    '',
    'A',
    'a b',
    'a/../b',
    'a:',
    'a:-x',
    `a@${digest}0`,
    'a@md5:1',
    '-a',
    'a//b',
    `${'a/'.repeat(200)}b`,
    'x@y@z',
    'ho$t.x/a',
  ])
    t.match(full(wrong), /^wrong: /, JSON.stringify(wrong));
});

t.test('platforms, challenges and distributions by name', async t => {
  t.same(parsePlatform('linux/arm/v7'), { os: 'linux', architecture: 'arm', variant: 'v7' });
  t.equal(parsePlatform('linux'), undefined);
  t.equal(platformOf('x64').architecture, 'amd64');
  t.ok(fits({ ...AMD64, variant: 'v2' }, AMD64));
  t.notOk(
    fits(
      { os: 'linux', architecture: 'arm', variant: 'v6' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ),
  );
  t.same(parseChallenge('Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"'), {
    kind: 'bearer',
    realm: 'https://a/t',
    service: 's',
    scope: 'repository:x:pull,push',
  });
  t.same(parseChallenge('Basic realm="x"'), { kind: 'basic' });
  t.equal(parseChallenge('Negotiate'), undefined);
  const of = (name: string) => {
    const found = distributionOfName(parseReference(name) as ImageReference);
    return found === undefined
      ? undefined
      : Object.values(found)
          .filter(value => typeof value === 'string')
          .join(' ');
  };
  t.equal(of('debian:12.5-slim'), 'debian bookworm');
  t.equal(of('debian:trixie-slim'), 'debian trixie');
  t.equal(of('debian:latest'), undefined);
  t.equal(of('ubuntu:24.04'), 'ubuntu noble');
  t.equal(of('docker.io/library/ubuntu:jammy-20240111'), 'ubuntu jammy');
  t.equal(of('alpine:3.20.1'), 'alpine v3.20');
  t.equal(of('python:3.12-slim-bookworm'), 'debian bookworm');
  t.equal(of('golang:1.22-alpine3.19'), 'alpine v3.19');
  t.equal(of('node:20'), undefined);
  t.same(parseDistribution('alpine v3.20'), { kind: 'alpine', version: 'v3.20' });
  t.equal(parseDistribution('fedora 40'), undefined);
  const release = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_CODENAME=bookworm\n';
  t.equal(unexpectedRelease(release, { id: 'debian', release: 'bookworm' }), undefined);
  t.equal(unexpectedRelease(release, { id: 'debian', release: 'stable' }), undefined);
  t.equal(unexpectedRelease(release, { id: 'debian', release: 'trixie' }), 'debian bookworm');
  t.equal(unexpectedRelease('ID=alpine\nVERSION_ID=3.20.1\n', { id: 'alpine', release: '3.20' }), undefined);
  t.equal(unexpectedRelease('ID="rocky"\n', { id: 'debian', release: 'x' }), 'rocky');
});

async function apply(...images: LayoutImage[]): Promise<string> {
  new Layout(directory).index(...images);
  return await applied(fromLayout({ read: directoryReader(directory), title: 'x', platform: AMD64 }));
}

async function applyResult(image: LayoutImage) {
  new Layout(directory).index(image);
  const loaded = await fromLayout({ read: directoryReader(directory), title: 'x', platform: AMD64 });
  return await applyImage(loaded, scratch.root, signal, LIMITS);
}

async function applied(loading: ReturnType<typeof fromLayout>): Promise<string> {
  try {
    await applyImage(await loading, scratch.root, signal, LIMITS);
    return 'applied';
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    return error.message;
  }
}

t.test('§2.9 !OciImage: layers, owners, links, markers', async t => {
  scratch.empty();
  const base = tar(
    dir('./', { mode: 0o711 }),
    dir('etc', { mode: 0o750, gid: 7 }),
    file('etc/kept', 'kept', { uid: 12, gid: 34, mode: 0o4711 }),
    file('etc/gone', 'x'),
    dir('opaque'),
    file('opaque/low', 'x'),
    dir('opaque/sub'),
    file('opaque/sub/low', 'x'),
    file('first', 'first'),
    hard('second', 'first'),
    file('becomes-directory', 'x'),
    dir('becomes-file'),
    file('becomes-file/x', 'x'),
    dir('again'),
    file('again/low', 'x'),
    link('lib', 'usr/lib'),
    dir('usr/lib'),
  );
  const upper = tar(
    file('etc/.wh.gone', ''),
    file('opaque/new', 'new'),
    file('opaque/.wh..wh..opq', ''),
    file('opaque/sub/high', 'high'),
    file('.wh..wh.aufs', ''),
    file('.wh.nothing', ''),
    dir('becomes-directory'),
    file('becomes-file', 'file'),
    dir('again'),
    file('again/high', 'high'),
    file('.wh.again', ''),
    file('lib/x', 'through the link'),
    link('first', 'second'),
  );
  t.equal(await apply({ layers: [base, upper] }), 'applied');
  const stat = lstatSync(join(scratch.root, 'etc/kept'));
  t.same([stat.uid, stat.gid, stat.mode & 0o7777], [12, 34, 0o4711]);
  t.equal(lstatSync(join(scratch.root, 'etc')).gid, 7);
  t.equal(lstatSync(scratch.root).mode & 0o777, 0o711);
  t.notOk(exists('etc/gone'));
  t.ok(exists('etc/passwd'), 'what was there before the image stays');
  t.equal(text('opaque/new'), 'new', 'an opaque marker is about lower layers, wherever it stands');
  t.notOk(exists('opaque/low'));
  t.notOk(exists('opaque/sub/low'));
  t.equal(text('opaque/sub/high'), 'high');
  t.ok(lstatSync(join(scratch.root, 'becomes-directory')).isDirectory());
  t.equal(text('becomes-file'), 'file');
  t.equal(text('again/high'), 'high');
  t.notOk(exists('again/low'), 'a marker beside a new directory of that name');
  t.equal(text('usr/lib/x'), 'through the link');
  t.equal(text('second'), 'first');
  t.ok(lstatSync(join(scratch.root, 'first')).isSymbolicLink());
  t.notOk(exists('.wh..wh.aufs'));
});

t.test('§2.9 !OciImage: pipes, and those devices that every container has', async t => {
  scratch.empty();
  const base = tar(
    dir('dev'),
    device('dev/null', '3', 1, 3),
    device('dev/sda', '4', 8, 0),
    device('dev/mem', '3', 1, 1),
    device('dev/whiteout', '3', 0, 0),
    { name: 'dev/nothing', type: '3' },
    { ...pipe('pipe'), mode: 0o620, uid: 12, gid: 34 },
    hard('twin', 'pipe'),
    file('lower', 'x'),
    file('other', 'x'),
  );
  const upper = tar(device('lower', '4', 8, 0), device('other', '3', 5, 2));
  t.same(await applyResult({ layers: [base, upper] }), { foreignOwners: 0, leftOutDevices: 5 });
  const at = (path: string) => lstatSync(join(scratch.root, path));
  t.ok(at('dev/null').isCharacterDevice());
  t.same([at('dev/null').rdev, at('dev/null').mode & 0o7777], [0x103, 0o666]);
  t.same(readdirSync(join(scratch.root, 'dev')), ['null']);
  t.ok(at('pipe').isFIFO());
  t.same([at('pipe').uid, at('pipe').gid, at('pipe').mode & 0o7777], [12, 34, 0o620]);
  t.equal(at('twin').ino, at('pipe').ino);
  t.equal(at('pipe').mtimeMs, 1_000_000_000_000);
  t.notOk(exists('lower'), 'what is left out hides what was below, too');
  t.equal(at('other').rdev, 0x502);
});

t.test(
  '§2.9 !OciImage: a pipe or a device in the place of a file that we read or write ourselves',
  async t => {
    scratch.empty();
    const names = [
      'etc/os-release',
      'etc/lsb-release',
      'etc/resolv.conf',
      'etc/hosts',
      'etc/apt/sources.list',
    ];
    t.equal(await apply(layers(...names.map(pipe), device('etc/zero', '3', 1, 5))), 'applied');
    putHostFiles(scratch.root);
    t.ok(lstatSync(join(scratch.root, 'etc/resolv.conf')).isFIFO(), 'left as it is');
    t.equal(codenameOf(scratch.root), undefined);
    t.notOk(lacksUniverse(scratch.root));
    t.throws(() => textInRoot(scratch.root, '/etc/zero'), /\/etc\/zero of the image is not a file/);
    t.throws(() => textInRoot(scratch.root, '/etc/nothing'), { code: 'ENOENT' });
    t.equal(textInRoot(scratch.root, '/etc/passwd'), 'root');
  },
);

t.test('§2.9 !OciImage: times of directories are those of the image', async t => {
  scratch.empty();
  const base = tar(
    dir('./', { mtime: 11 }),
    dir('kept', { mtime: 12 }),
    dir('kept/below', { mtime: 13 }),
    file('kept/below/file', 'x', { mtime: 14 }),
    dir('changed', { mtime: 15 }),
    dir('hidden', { mtime: 16 }),
    dir('again', { mtime: 17 }),
    dir('again/below', { mtime: 17 }),
    dir('elsewhere', { mtime: 18 }),
    file('kept/late', 'x'),
  );
  const upper = tar(
    dir('changed', { mtime: 25 }),
    file('changed/file', 'x'),
    file('kept/below/more', 'x'),
    file('.wh.hidden', ''),
    file('.wh.again', ''),
  );
  const top = tar(file('again/below/file', 'x'), link('hidden', 'elsewhere'));
  t.equal(await apply({ layers: [base, upper, top] }), 'applied');
  const timeS = (path: string) => lstatSync(join(scratch.root, path)).mtimeMs / 1000;
  t.same(['', 'kept', 'kept/below', 'changed', 'elsewhere'].map(timeS), [11, 12, 13, 25, 18]);
  t.equal(timeS('kept/below/file'), 14);
  t.ok(timeS('again/below') > 1_000_000_000, 'one of that name that came later is another one');
});

t.test('§2.9 !OciImage: more directories than fit into memory', async t => {
  const times = new DirectoryTimes();
  const name = 'n'.repeat(4000);
  const fill = () => {
    for (let at = 0; at < 20_000; at++) times.set([`${at}`, name], 1);
  };
  t.throws(fill, /too many directories/);
});

t.test('§2.9 !OciImage: one image among several, by platform and by name', async t => {
  const layer = (data: string) => tar(file('which', data));
  const layout = new Layout(directory);
  layout.index(
    { layers: [layer('arm')], architecture: 'arm64', name: 'a' },
    { layers: [layer('amd')], architecture: 'amd64', name: 'a' },
    { layers: [layer('other')], architecture: 'amd64', name: 'b' },
  );
  const read = directoryReader(directory);
  const which = async (architecture: string, name?: string) => {
    scratch.empty();
    const platform = { os: 'linux', architecture };
    const outcome = await applied(
      fromLayout({ read, title: 'x', platform, ...(name !== undefined && { name }) }),
    );
    return outcome === 'applied' ? text('which') : outcome;
  };
  t.equal(await which('arm64'), 'arm');
  t.equal(await which('amd64'), 'amd');
  t.equal(await which('amd64', 'b'), 'other');
  t.match(await which('amd64', 'c'), /there is no image "c" in it, only: a, a, b/);
  t.equal(await which('s390x'), 'the image is not made for linux/s390x, only for: linux/arm64, linux/amd64');
});

const around = join(scratch.base, 'around');
const { canary } = scratch;
const layers = (...members: (TarMember | Buffer)[]): LayoutImage => ({ layers: [tar(...members)] });
const two = (low: TarMember[], high: (TarMember | Buffer)[]): LayoutImage => ({
  layers: [tar(...low), tar(...high)],
});
const DONE = /^applied$/;

const hostile: readonly (readonly [string, LayoutImage, RegExp])[] = [
  ['a name with ..', layers(file('../canary')), /leads out/],
  ['an absolute name', layers(file(canary)), DONE],
  ['a symlink out and a file through it', layers(link('a', around), file('a/canary')), /leads nowhere/],
  ['a symlink out in a lower layer', two([link('a', around)], [file('a/canary')]), /leads nowhere/],
  ['a symlink to .. in a lower layer', two([link('a', '../..')], [file('a/canary')]), DONE],
  ['a marker through a symlink', two([link('a', around)], [file('a/.wh.canary', '')]), DONE],
  ['an opaque marker through a symlink', two([link('a', around)], [file('a/.wh..wh..opq', '')]), DONE],
  [
    'an opaque marker on a symlink below',
    two([dir('d'), link('d/l', around)], [file('d/l/.wh..wh..opq', '')]),
    DONE,
  ],
  [
    'an opaque marker over a symlink',
    two([dir('d'), link('d/l', around)], [file('d/.wh..wh..opq', '')]),
    DONE,
  ],
  ['a marker for ..', layers(file('a/.wh...', '')), /damaged layer: the marker/],
  ['a marker for .', layers(file('a/.wh..', '')), /damaged layer: the marker/],
  ['a marker for nothing', layers(file('a/.wh.', '')), /damaged layer: the marker/],
  ['a marker with .. in front', layers(file('../.wh.canary', '')), /leads out/],
  ['an opaque root', two([file('low', 'x')], [file('.wh..wh..opq', '')]), DONE],
  ['a hard link out', layers(hard('a', '../canary')), /leads out/],
  ['a hard link through a symlink out', layers(link('l', around), hard('a', 'l/canary')), /not a file/],
  [
    'a hard link to a symlink out, then a file over it',
    two([link('l', canary), hard('a', 'l')], [file('a')]),
    DONE,
  ],
  ['a hard link to a directory', layers(dir('d'), hard('a', 'd')), /not a file/],
  [
    'a hard link over the directory of its target',
    two([dir('d'), file('d/f')], [hard('d', 'd/f')]),
    /not a file/,
  ],
  ['a directory in the place of a symlink out', two([link('a', around)], [dir('a'), file('a/canary')]), DONE],
  [
    'a symlink in the place of a directory',
    two([dir('a'), file('a/x')], [link('a', around), file('a/canary')]),
    /leads nowhere/,
  ],
  ['a symlink in the place of the root', layers(link('.', around)), /not a directory/],
  [
    'attributes of overlay mounts',
    layers(
      pax({ 'SCHILY.xattr.user.overlay.redirect': '/etc', 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
      dir('a'),
    ),
    DONE,
  ],
  ['a device', layers({ name: 'sda', type: '4' }), DONE],
  ['the disk of the host', layers(device('sda', '4', 8, 0), hard('sdb', 'sda')), /its target is not a file/],
  ['the memory of the host', layers(device('mem', '3', 1, 1)), DONE],
  ['a mark of overlayfs', two([dir('d')], [device('d', '3', 0, 0)]), DONE],
  ['a device with .. in its name', layers(device('../canary', '3', 1, 3)), /leads out/],
  [
    'a device through a symlink out',
    layers(link('a', around), device('a/canary', '3', 1, 3)),
    /leads nowhere/,
  ],
  ['a device over a symlink out', two([link('a', canary)], [device('a', '3', 1, 3), file('a', 'x')]), DONE],
  ['a pipe over a hard link to a symlink out', two([link('l', canary), hard('a', 'l')], [pipe('a')]), DONE],
  ['a pipe through a symlink out', layers(link('a', around), pipe('a/canary')), /leads nowhere/],
  ['a file through a pipe', layers(pipe('a'), file('a/b')), /"\/a" is not a directory/],
  ['a file over a pipe', layers(pipe('a'), file('a')), DONE],
  ['a device in the place of the root', layers(device('.', '3', 1, 3)), /not a directory/],
  ['a pipe in the place of the root', layers(pipe('./')), /not a directory/],
  ['a device of set-user-id', layers({ ...device('null', '3', 1, 3), mode: 0o7777 }), DONE],
  [
    'device numbers that are none',
    layers({ name: 'x', type: '3', twist: header => header.fill(0xff, 329, 345) }),
    DONE,
  ],
  [
    'a directory whose time is set through a symlink that came later',
    two([dir('a'), dir('a/directory')], [link('a', around)]),
    DONE,
  ],
  [
    'owners beyond all ids',
    layers(
      file('a', 'x', {
        twist: header => {
          header.fill(0, 108, 116);
          header[108] = 0x80;
          header[111] = 0x7f;
          header.fill(0xff, 112, 116);
        },
      }),
    ),
    /cannot unpack|unpacks|applied|out of range/,
  ],
  [
    'a bomb in the second layer',
    { layers: [tar(file('a')), tar({ name: 'b', data: Buffer.alloc(5 << 20) })] },
    /unpacks to more than/,
  ],
  [
    'too many entries over all layers',
    {
      layers: Array.from({ length: 3 }, (_, at) =>
        tar(...Array.from({ length: 400 }, (_, index) => file(`f${at}-${index}`, ''))),
      ),
    },
    /more than 1000 entries/,
  ],
  [
    'a long name',
    { layers: [Buffer.concat([gnuLong('L', 'a'.repeat(300)), tarMember(file('x')), Buffer.alloc(1024)])] },
    /more than 255/,
  ],
  ['a cut layer', { layers: [tar(file('a', 'x'.repeat(2000))).subarray(0, 1500)] }, /cut off/],
  ['a layer that is no tar', { layers: [Buffer.alloc(4096, 0x41)] }, /damaged tar header/],
  [
    'a layer of another image',
    {
      layers: [tar(file('a'))],
      config: { rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } },
    },
    /a layer unpacks to sha256:.* instead of sha256:000/,
  ],
  [
    'more layers than ids',
    { layers: [tar(file('a'))], config: { rootfs: { type: 'layers', diff_ids: [] } } },
    /different numbers of layers/,
  ],
  [
    'a config without layers',
    { layers: [tar(file('a'))], config: { rootfs: null } },
    /rootfs of the config is not an object/,
  ],
  [
    'a digest that climbs',
    { layers: [], manifest: { config: { digest: 'sha256:../../../canary', size: 1, mediaType: 'x' } } },
    /not a sha256 digest/,
  ],
  [
    'a digest of another kind',
    { layers: [], manifest: { config: { digest: 'md5:0', size: 1, mediaType: 'x' } } },
    /not a sha256 digest/,
  ],
  [
    'a negative size',
    { layers: [], manifest: { config: { digest: `sha256:${'0'.repeat(64)}`, size: -1 } } },
    /size of config/,
  ],
  [
    'a layer kept elsewhere',
    {
      layers: [],
      manifest: { layers: [{ digest: `sha256:${'0'.repeat(64)}`, size: 1, urls: ['http://x'] }] },
    },
    /kept elsewhere/,
  ],
  [
    'a thousand layers',
    {
      layers: [],
      manifest: {
        layers: Array.from({ length: 1000 }, () => ({ digest: `sha256:${'0'.repeat(64)}`, size: 1 })),
      },
    },
    /more than 500 entries/,
  ],
  [
    'a blob that is not there',
    { layers: [], manifest: { config: { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'x' } } },
    /is not there/,
  ],
  [
    'not an image but something else',
    {
      layers: [],
      manifest: {
        layers: [{ digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/vnd.cncf.helm' }],
      },
    },
    /not an image of a container/,
  ],
  ['the format of 2015', { layers: [], manifest: { schemaVersion: 1 } }, /schema 1/],
];

/** What nobody gets from an image: block devices, and others than those of every container. */
function strangeDevices(path = scratch.root): string[] {
  return readdirSync(path, { withFileTypes: true, encoding: 'buffer' }).flatMap(entry => {
    const below = Buffer.concat([Buffer.from(path, 'latin1'), Buffer.from('/'), entry.name]).toString(
      'latin1',
    );
    if (entry.isDirectory()) return strangeDevices(below);
    const { rdev } = lstatSync(Buffer.from(below, 'latin1'));
    const isUsual = [0x103, 0x105, 0x107, 0x108, 0x109, 0x500, 0x501, 0x502].includes(rdev);
    return entry.isBlockDevice() || (entry.isCharacterDevice() && !isUsual) ? [below] : [];
  });
}

t.test('§2.9 !OciImage: hostile images, by name', async t => {
  const before = scratch.around();
  for (const [title, image, expected] of hostile) {
    scratch.empty();
    t.match(await apply(image), expected, title);
    t.same(strangeDevices(), [], `${title}: no device of the host`);
    t.equal(scratch.around(), before, `${title}: nothing outside`);
  }
});

t.test('§2.9 !OciImage: hostile layouts and archives', async t => {
  const before = scratch.around();
  const from = async (index: string) => {
    const layout = new Layout(directory);
    writeFileSync(join(directory, 'index.json'), index);
    return await applied(
      fromLayout({ read: directoryReader(layout.directory), title: 'x', platform: AMD64 }),
    );
  };
  t.match(await from('{'), /index.json is not JSON/);
  t.match(await from('[]'), /is not an object/);
  t.match(await from('{"manifests": []}'), /not made for/);
  t.match(await from(`{"manifests": [${'{},'.repeat(1001)}{}]}`), /more than 1000/);
  t.match(await from(' '.repeat(5 << 20)), /document of more than/);
  const archive = async (...members: TarMember[]) => {
    const path = scratch.write('image.tar', tar(...members));
    return await applied(
      fromArchive({ path, scratch: join(scratch.base, 'plain'), platform: AMD64, signal }),
    );
  };
  const manifest = (value: object) => file('manifest.json', JSON.stringify([value]));
  t.match(await archive(file('x')), /holds no image/);
  t.match(await archive(manifest({ Config: '../../canary', Layers: [] })), /canary" is not in the archive/);
  t.match(
    await archive(manifest({ Config: 'c', Layers: [] }), link('c', canary)),
    /"c" is not in the archive/,
  );
  t.match(
    await archive(manifest({ Config: 'a', Layers: [] }), link('a', 'b'), link('b', 'a')),
    /not in the archive/,
  );
  t.match(
    await archive(
      manifest({ Config: `${'0'.repeat(64)}.json`, Layers: [] }),
      file(`${'0'.repeat(64)}.json`, '{}'),
    ),
    /the config is sha256/,
  );
  t.match(await archive(file('manifest.json', '[]')), /no image in the archive/);
  t.match(await archive(manifest({ Config: 7 })), /Config is not a text/);
  t.equal(scratch.around(), before);
});

async function mutations(t: Test, count: number): Promise<void> {
  const before = scratch.around();
  const mutator = new Mutator(44);
  const low = tar(
    dir('d'),
    file('d/f', 'x'.repeat(600)),
    link('l', '../../around'),
    hard('h', 'd/f'),
    pax({ path: 'p/ä' }),
    file('s'),
    device('null', '3', 1, 3),
    pipe('d/pipe'),
  );
  const high = tar(
    file('d/.wh.f', ''),
    file('l/.wh..wh..opq', ''),
    link('d', '/'),
    file('d/x'),
    gnuLong('L', 'n'.repeat(150)),
    file('c'),
    device('l/canary', '3', 5, 1),
    pipe('pipe'),
    device('d', '4', 8, 0),
  );
  const seen = new Map<string, number>();
  for (let round = 0; round < count; round++) {
    if (round % 25 === 0) scratch.empty();
    const both = [low, high];
    const which = mutator.next(2);
    both[which] = mutator.mutate(both[which] as Buffer);
    const how = (await apply({ layers: both, compressed: false })).replace(/".*/, '').slice(0, 40);
    seen.set(how, (seen.get(how) ?? 0) + 1);
    if (round % 25 === 24) t.same(strangeDevices(), [], `no device of the host before round ${round}`);
  }
  t.equal(scratch.around(), before, 'nothing outside');
  t.ok(seen.size > 8, `${seen.size} kinds of outcome`);
}

t.test('§2.9 !OciImage: 1,000 damaged layers', t =>
  mutations(t, 1000 * (process.env.SUITE_SOAK === '1' ? 20 : 1)),
);
