// Distributions and their packages.
import { s } from '@suite/shared/schema/index.ts';
import { flag, list, text, texts } from './common.ts';

const word = s.text({ pattern: /^[A-Za-z0-9][A-Za-z0-9.+_-]*$/ });
const url = s.text();
const mirror = s.optional(
  url,
  'address of the archive; the setting `debian-mirror` or the host’s own otherwise',
);
const snapshot = s.optional(
  s.text({ pattern: /^\d{8}(T\d{6}Z)?$/, hint: 'write 20260131 or 20260131T120000Z' }),
  'the archive as it was at this date, below the setting `debian-snapshot-mirror`',
);
const components = list('main when none is given');

export const distributionSteps = {
  Alpine: text,
  AlpineRepo: s.struct({
    url: s.optional(url, 'the mirror when none is given'),
    branch: s.optional(text, 'the version of the container when none is given'),
    repo: s.required(text, 'main, community, testing'),
    tag: s.optional(text, 'packages of this repository are then named `package@tag`'),
  }),
  Debian: s.struct(
    { suite: s.required(word, 'codename or suite'), components, mirror, snapshot },
    { shorthand: 'suite' },
  ),
  DebianRelease: s.struct({
    codename: s.required(word, 'of the release'),
    mirror,
    components,
    snapshot,
    arch: s.optional(word, 'the machine’s own when none is given'),
    variant: s.withDefault(
      s.choice(['essential', 'minbase', 'important', 'standard']),
      'minbase',
      'which packages the system starts with',
    ),
  }),
  Ubuntu: text,
  UbuntuRelease: s.struct({
    codename: s.optional(text, 'of the release'),
    version: s.optional(text, 'outdated: number of the release'),
    url: s.optional(url, 'of the archive with the root file system'),
    arch: s.withDefault(text, 'amd64', 'of the packages'),
    'keep-chfn-command': flag(false, 'chfn is otherwise replaced, because it fails in a user namespace'),
    eatmydata: flag(true, 'packages are installed without flushing to disk'),
  }),
  UbuntuRepo: s.struct({
    url: s.optional(url, 'the mirror when none is given'),
    suite: s.optional(text, 'the codename when none is given'),
    components: list('of the repository'),
    trusted: flag(false, 'signatures are not checked'),
  }),
  UbuntuPPA: text,
  UbuntuUniverse: s.nothing(),
  AptTrust: s.struct({
    server: s.optional(url, 'hkps://keyserver.ubuntu.com:443 when none is given'),
    keys: list('fingerprints'),
  }),
  Repo: text,
  Install: texts,
  BuildDeps: texts,
};
