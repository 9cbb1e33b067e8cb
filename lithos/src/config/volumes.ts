// Volumes of a container: `!Readonly PATH`, `!Persistent {..}`, `!Tmpfs {..}`, `!Statedir {..}`.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { DEFAULTS } from './defaults.ts';
import { idSchema } from './ids.ts';

/** Permissions are written in octal (`0o755`); the sticky bit is the only special one. */
const mode = s.withDefault(
  s.int({ min: 0, max: 0o1777 }),
  DEFAULTS.volumeMode,
  'Permissions, in octal: `0o755`.',
);
const owner = {
  user: s.withDefault(idSchema, 0, 'Owner, as seen inside.'),
  group: s.withDefault(idSchema, 0, 'Group, as seen inside.'),
};

const persistent = s.struct({
  path: s.withDefault(s.path('absolute'), '/', 'Virtual path within `writable-paths`.'),
  mkdir: s.withDefault(s.bool(), false, 'Make it, with this mode and owner, if it is missing.'),
  mode,
  ...owner,
});
const tmpfs = s.struct({
  size: s.withDefault(s.int({ min: 1 }), DEFAULTS.tmpfsSizeBytes, 'Bytes at most.'),
  mode,
});
const statedir = s.struct({
  path: s.withDefault(
    s.path('absolute'),
    '/',
    'Within the state directory; below / the rest is set each time.',
  ),
  mode,
  ...owner,
});

/** A bare tag (`!Tmpfs`) means all defaults. */
export const volumeSchema = s.tagged({
  Readonly: s.path('absolute'),
  Persistent: persistent,
  Tmpfs: tmpfs,
  Statedir: statedir,
});

export type VolumeKeys = Infer<typeof volumeSchema>;
