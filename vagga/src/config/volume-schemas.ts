// Volumes: mounted only when commands run, never during a build.
import { s } from '@suite/shared/schema/index.ts';
import { FAILED, type Shape } from '@suite/shared/schema/shape.ts';
import type { MappingEntry, ScalarNode } from '@suite/shared/yaml/index.ts';
import { atTag } from './at-tag.ts';
import { TMPFS_BYTES } from './defaults.ts';
import { described } from './described.ts';
import { id } from './steps/common.ts';

const mode = s.int({ min: 0, max: 0o1777 });
const size = s.withDefault(s.int({ min: 0 }), TMPFS_BYTES, 'in bytes; suffixes as 100Mi');

const tmpfs = s.struct({
  size,
  mode: s.withDefault(mode, 0o1777, 'permissions of the directory'),
  subdirs: s.withDefault(
    s.map(s.struct({ mode: s.withDefault(mode, 0o755, 'permissions') })),
    {},
    'directories to make inside',
  ),
  files: s.withDefault(s.map(s.nullable(s.text())), {}, 'files to write inside, by path'),
});

const snapshot = s.struct({
  container: s.optional(s.text(), 'whose files are copied; the command’s own when none is given'),
  size,
  'owner-uid': s.optional(id, 'of everything copied'),
  'owner-gid': s.optional(id, 'of everything copied'),
});

const persistent = s.struct(
  {
    name: s.required(s.text({ pattern: /^[^/.][^/]*$/ }), 'of the directory in .vagga/.volumes'),
    'init-command': s.optional(s.text(), 'that fills the volume before its first use'),
    'owner-uid': s.withDefault(id, 0, 'of the directory'),
    'owner-gid': s.withDefault(id, 0, 'of the directory'),
  },
  { shorthand: 'name' },
);

const variants = {
  Tmpfs: tmpfs,
  BindRW: s.path('absolute'),
  BindRO: s.path('absolute'),
  CacheDir: s.text(),
  VaggaBin: s.nothing(),
  Empty: s.nothing(),
  Snapshot: snapshot,
  Container: s.text(),
  Persistent: persistent,
};

export const VOLUMES = described(variants, {
  Tmpfs: 'An empty directory in memory.',
  BindRW:
    'A directory of the project (`/work/…`), of the host (`/volumes/NAME…`) or of the image (`/vagga/root/…`).',
  BindRO: 'The same, to be read only.',
  CacheDir: 'A directory of the cache that builds use, by name.',
  VaggaBin: 'The directory of the program vagga itself.',
  Empty: 'A directory that nobody can look into.',
  Snapshot: 'A copy in memory of what the image, or another one, has at this path.',
  Container: 'The image of another container, to be read only.',
  Persistent: 'A directory that is kept between runs.',
});

const volumeMap = s.map(atTag(s.tagged(VOLUMES)));

/** Keys of a volume that stand where a path should: they are not indented as deep as they should be. */
const INNER_KEYS: readonly string[] = [
  ...new Set([tmpfs, snapshot, persistent].flatMap(({ shape }) => keysOf(shape))),
];

function keysOf(shape: Shape): string[] {
  return shape.kind === 'struct' ? Object.keys(shape.fields) : [];
}

/** The volume written before `key`, which it probably belongs to. */
function entryBefore(entries: readonly MappingEntry[], key: ScalarNode): MappingEntry | undefined {
  return entries
    .filter(
      entry => entry.key.file === key.file && entry.key.line < key.line && entry.value.tag !== undefined,
    )
    .sort((a, b) => b.key.line - a.key.line)[0];
}

function hintFor(entries: readonly MappingEntry[], key: ScalarNode): string | undefined {
  if (!INNER_KEYS.includes(key.text.replaceAll('_', '-'))) return undefined;
  const before = entryBefore(entries, key);
  return before === undefined
    ? undefined
    : `indent ${key.text} below ${before.key.text} if it belongs to that !${before.value.tag}`;
}

/** Absolute paths to volumes. Errors: `path`, and those of the volumes. */
export const volumesSchema: typeof volumeMap = {
  shape: volumeMap.shape,
  read(node, context) {
    const entries = node.kind === 'mapping' ? node.entries : [];
    const wrong = entries.filter(({ key }) => !key.text.startsWith('/'));
    for (const { key } of wrong) {
      const reason = key.text === '' ? 'empty' : 'absolute';
      context.fail('path', 'Path must be absolute', key, { reason }, hintFor(entries, key));
    }
    if (node.kind !== 'mapping' || wrong.length === 0) return volumeMap.read(node, context);
    volumeMap.read({ ...node, entries: entries.filter(entry => !wrong.includes(entry)) }, context);
    return FAILED;
  },
};
