// The value of every build step (47 of the format and our own `!Debian`). Which of them can be built is another table:
// core/steps/index.ts. Here they are only understood, so that configs list and hash even before a step is available.
import { s } from '@suite/shared/schema/index.ts';

const text = s.text();
const texts = s.list(text);
const flag = (value: boolean) => s.withDefault(s.bool(), value);
const absolute = s.path('absolute');
const id = s.int({ min: 0, max: 2 ** 30 });
const nothing = s.nullable(text);
const textMap = s.map(text);

const filter = {
  'ignore-regex': s.optional(text),
  'include-regex': s.optional(text),
  rules: s.withDefault(texts, []),
  'no-default-rules': s.optional(s.bool()),
};

const INSTALL_SCRIPT = './configure --prefix=/usr\nmake\nmake install\n';

const archive = {
  url: s.required(text),
  sha256: s.optional(text),
  path: s.withDefault(absolute, '/'),
  subdir: s.withDefault(s.path('relative'), ''),
};

const packages = {
  AlpineRepo: s.struct({
    url: s.optional(text),
    branch: s.optional(text),
    repo: s.required(text),
    tag: s.optional(text),
  }),
  Debian: s.struct(
    { suite: s.required(s.text({ pattern: /^[a-z0-9.-]+$/ })), components: s.withDefault(texts, []) },
    { shorthand: 'suite' },
  ),
  UbuntuRelease: s.struct({
    codename: s.optional(text),
    version: s.optional(text),
    url: s.optional(text),
    arch: s.withDefault(text, 'amd64'),
    'keep-chfn-command': flag(false),
    eatmydata: flag(true),
  }),
  UbuntuRepo: s.struct({
    url: s.optional(text),
    suite: s.optional(text),
    components: s.withDefault(texts, []),
    trusted: flag(false),
  }),
  AptTrust: s.struct({ server: s.optional(text), keys: s.withDefault(texts, []) }),
  Alpine: text,
  Ubuntu: text,
  UbuntuPPA: text,
  UbuntuUniverse: nothing,
  Repo: text,
  Install: texts,
  BuildDeps: texts,
};

const files = {
  Text: textMap,
  Copy: s.struct({
    source: s.required(text),
    path: s.required(absolute),
    'owner-uid': s.optional(id),
    'owner-gid': s.optional(id),
    umask: s.withDefault(s.int({ min: 0, max: 0o777 }), 0o002),
    'preserve-permissions': flag(false),
    'preserve-times': flag(false),
    ...filter,
  }),
  Depends: s.struct({ path: s.required(s.path('relative')), ...filter }, { shorthand: 'path' }),
  EnsureDir: absolute,
  EmptyDir: absolute,
  Remove: absolute,
  CacheDirs: textMap,
  Tar: s.struct(archive),
  Unzip: s.struct(archive),
  TarInstall: s.struct({
    url: s.required(text),
    sha256: s.optional(text),
    subdir: s.optional(s.path('relative')),
    script: s.withDefault(text, INSTALL_SCRIPT),
  }),
  Download: s.struct({
    url: s.required(text),
    path: s.required(absolute),
    mode: s.withDefault(s.int({ min: 0, max: 0o1777 }), 0o644),
    sha256: s.optional(text),
  }),
};

const shell = {
  Sh: text,
  Cmd: texts,
  Env: textMap,
  RunAs: s.struct({
    'user-id': s.withDefault(id, 0),
    'group-id': s.withDefault(id, 0),
    'external-user-id': s.optional(id),
    'supplementary-gids': s.withDefault(s.list(id), []),
    'work-dir': s.withDefault(text, '/work'),
    'isolate-network': flag(false),
    script: s.required(text),
  }),
};

const others = {
  Container: text,
  Build: s.struct({
    container: s.required(text),
    source: s.withDefault(absolute, '/'),
    path: s.optional(absolute),
    'temporary-mount': s.optional(absolute),
    'content-hash': flag(false),
    rules: s.withDefault(texts, []),
  }),
  SubConfig: s.any(),
  Git: s.struct({
    url: s.required(text),
    revision: s.optional(text),
    branch: s.optional(text),
    path: s.required(absolute),
  }),
  GitInstall: s.struct({
    url: s.required(text),
    revision: s.optional(text),
    branch: s.optional(text),
    subdir: s.withDefault(s.path('relative'), '.'),
    script: s.withDefault(text, INSTALL_SCRIPT),
  }),
  GitDescribe: s.any(),
};

const languages = {
  PipConfig: s.struct({
    dependencies: flag(false),
    'index-urls': s.withDefault(texts, []),
    'find-links': s.withDefault(texts, []),
    'trusted-hosts': s.withDefault(texts, []),
    'cache-wheels': flag(true),
    'install-python': flag(true),
    'python-exe': s.optional(text),
    'allow-pre-releases': flag(false),
    'get-pip-args': s.withDefault(texts, []),
  }),
  Py2Install: texts,
  Py3Install: texts,
  Py2Requirements: nothing,
  Py3Requirements: nothing,
  NpmConfig: s.any(),
  NpmInstall: texts,
  NpmDependencies: s.any(),
  YarnDependencies: s.any(),
  GemConfig: s.struct({
    'install-ruby': flag(true),
    'gem-exe': s.optional(text),
    'update-gem': flag(true),
  }),
  GemInstall: texts,
  GemBundle: s.any(),
  ComposerConfig: s.struct({
    'install-runtime': flag(true),
    'install-dev': flag(false),
    'runtime-exe': s.optional(text),
    'include-path': s.optional(text),
    'keep-composer': flag(false),
    'vendor-dir': s.optional(text),
  }),
  ComposerInstall: texts,
  ComposerDependencies: s.any(),
};

export const stepSchema = s.tagged({ ...packages, ...shell, ...files, ...others, ...languages });
