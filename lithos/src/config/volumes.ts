// Volumes of a container: `!Readonly PATH`, `!Persistent {..}`, `!Tmpfs {..}`, `!Statedir {..}`.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { DEFAULTS } from './defaults.ts';
import { idSchema } from './ids.ts';

/** Permissions are written in octal (`0o755`); the sticky bit is the only special one. */
const mode = s.withDefault(s.int({ min: 0, max: 0o1777 }), DEFAULTS.volumeMode);
const owner = { user: s.withDefault(idSchema, 0), group: s.withDefault(idSchema, 0) };

const persistent = s.struct({
  path: s.withDefault(s.path('absolute'), '/'),
  mkdir: s.withDefault(s.bool(), false),
  mode,
  ...owner,
});
const tmpfs = s.struct({ size: s.withDefault(s.int({ min: 1 }), DEFAULTS.tmpfsSizeBytes), mode });
const statedir = s.struct({ path: s.withDefault(s.path('absolute'), '/'), mode, ...owner });

/** A bare tag (`!Tmpfs`) means all defaults. */
export const volumeSchema = s.tagged({
  Readonly: s.path('absolute'),
  Persistent: persistent,
  Tmpfs: tmpfs,
  Statedir: statedir,
});

export type VolumeKeys = Infer<typeof volumeSchema>;
