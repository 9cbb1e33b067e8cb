// Files, directories, archives.
import { s } from '@suite/shared/schema/index.ts';
import { absolute, filter, flag, INSTALL_SCRIPT, id, relative, text, textMap } from './common.ts';

const source = s.required(
  text,
  'address; `./x` is a file of the project, `/volumes/x` one of an external volume',
);
const sha256 = s.optional(text, 'of the file; its first digits are enough');

const archive = {
  url: source,
  sha256,
  path: s.withDefault(absolute, '/', 'where to unpack'),
  subdir: s.withDefault(relative, '', 'only this directory of the archive'),
};

export const fileSteps = {
  Text: textMap,
  Copy: s.struct({
    source: s.required(text, 'below /work, or in the image'),
    path: s.required(absolute, 'in the image'),
    'owner-uid': s.optional(id, 'the source’s when none is given'),
    'owner-gid': s.optional(id, 'the source’s when none is given'),
    umask: s.withDefault(s.int({ min: 0, max: 0o777 }), 0o002, 'bits that copied files do not get'),
    'preserve-permissions': flag(false, 'modes stay as they are'),
    'preserve-times': flag(false, 'otherwise one second after 1970'),
    ...filter,
  }),
  Depends: s.struct(
    { path: s.required(relative, 'in the project; the image is built anew when it changes'), ...filter },
    { shorthand: 'path' },
  ),
  EnsureDir: absolute,
  EmptyDir: absolute,
  Remove: absolute,
  CacheDirs: textMap,
  Tar: s.struct(archive),
  Unzip: s.struct(archive),
  TarInstall: s.struct({
    url: source,
    sha256,
    subdir: s.optional(relative, 'where the script runs; the archive’s only directory when none is given'),
    script: s.withDefault(text, INSTALL_SCRIPT, 'shell script that installs'),
  }),
  Download: s.struct({
    url: source,
    path: s.required(absolute, 'of the file in the image'),
    mode: s.withDefault(s.int({ min: 0, max: 0o1777 }), 0o644, 'permissions of the file'),
    sha256,
  }),
};
