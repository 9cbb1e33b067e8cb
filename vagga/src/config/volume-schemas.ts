// Volumes: mounted only when commands run, never during a build.
import { s } from '@suite/shared/schema/index.ts';
import { TMPFS_BYTES } from './defaults.ts';

const id = s.int({ min: 0, max: 2 ** 30 });
const mode = s.int({ min: 0, max: 0o1777 });

const tmpfs = s.struct({
  size: s.withDefault(s.int({ min: 0 }), TMPFS_BYTES),
  mode: s.withDefault(mode, 0o1777),
  subdirs: s.withDefault(s.map(s.struct({ mode: s.withDefault(mode, 0o755) })), {}),
  files: s.withDefault(s.map(s.nullable(s.text())), {}),
});

const persistent = s.struct(
  {
    name: s.required(s.text({ pattern: /^[^/.][^/]*$/ })),
    'init-command': s.optional(s.text()),
    'owner-uid': s.withDefault(id, 0),
    'owner-gid': s.withDefault(id, 0),
  },
  { shorthand: 'name' },
);

export const volumeSchema = s.tagged({
  Tmpfs: tmpfs,
  BindRW: s.path('absolute'),
  BindRO: s.path('absolute'),
  CacheDir: s.text(),
  Persistent: persistent,
  VaggaBin: s.any(),
  Empty: s.any(),
  Snapshot: s.any(),
  Container: s.text(),
});
