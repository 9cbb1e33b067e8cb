// Volumes: mounted only when commands run, never during a build.
import { s } from '@suite/shared/schema/index.ts';
import { TMPFS_BYTES } from './defaults.ts';
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

export const VOLUMES = {
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

export const volumeSchema = s.tagged(VOLUMES);
