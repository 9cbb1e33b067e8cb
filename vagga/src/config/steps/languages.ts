// Package managers of programming languages.
import { s } from '@suite/shared/schema/index.ts';
import { listOr } from '../list-or.ts';
import { flag, list, relative, text, texts } from './common.ts';

const dir = s.withDefault(relative, '.', 'of the project file');

const python = {
  PipConfig: s.struct({
    dependencies: flag(false, 'packages bring their dependencies'),
    'index-urls': list('of package indexes, instead of PyPI'),
    'find-links': list('further places of packages'),
    'trusted-hosts': list('whose certificates are not checked'),
    'cache-wheels': flag(true, 'built packages are kept for the next build'),
    'install-python': flag(true, 'false: the image has an interpreter already'),
    'python-exe': s.optional(text, 'interpreter; python2 or python3 when none is given'),
    'allow-pre-releases': flag(false, 'unfinished versions too'),
    'get-pip-args': list('of the installer of pip'),
  }),
  Py2Install: texts,
  Py3Install: texts,
  Py2Requirements: s.nullable(text),
  Py3Requirements: s.nullable(text),
  UvSync: s.struct({
    dir,
    groups: list('dependency groups to install'),
    extras: list('optional dependencies to install'),
    dev: flag(true, 'with the dependencies of development'),
  }),
};

const node = {
  NpmConfig: s.struct({
    'npm-exe': s.withDefault(text, 'npm', 'program to run'),
    'install-node': flag(true, 'false: the image has Node.js already'),
    'install-yarn': flag(true, 'false: the image has yarn already'),
    'yarn-exe': s.withDefault(text, '/usr/bin/yarn', 'program to run'),
    'yarn-version': s.optional(text, 'the latest when none is given'),
  }),
  NpmInstall: texts,
  NpmDependencies: s.struct({
    file: s.withDefault(relative, 'package.json', 'that names the packages'),
    package: flag(true, 'dependencies'),
    dev: flag(true, 'devDependencies'),
    peer: flag(false, 'peerDependencies'),
    bundled: flag(true, 'bundledDependencies'),
    optional: flag(false, 'optionalDependencies'),
  }),
  YarnDependencies: s.struct({
    dir,
    production: flag(false, 'without devDependencies'),
    optional: flag(false, 'optional dependencies belong to the identity of the image'),
  }),
  PnpmDependencies: s.struct({ dir, production: flag(false, 'without devDependencies') }),
};

const ruby = {
  GemConfig: s.struct({
    'install-ruby': flag(true, 'false: the image has Ruby already'),
    'gem-exe': s.optional(text, 'program to run'),
    'update-gem': flag(true, 'RubyGems updates itself first'),
  }),
  GemInstall: texts,
  GemBundle: s.struct({
    gemfile: s.withDefault(text, 'Gemfile', 'in the project'),
    without: list('groups that are not installed'),
    'trust-policy': s.optional(text, 'LowSecurity, MediumSecurity or HighSecurity'),
  }),
};

const php = {
  ComposerConfig: s.struct({
    'install-runtime': flag(true, 'false: the image has PHP already'),
    'install-dev': flag(false, 'with the headers of PHP'),
    'runtime-exe': s.optional(text, 'interpreter'),
    'include-path': s.optional(text, '.:/usr/local/lib/composer when none is given'),
    'keep-composer': flag(false, 'Composer stays in the image'),
    'vendor-dir': s.optional(text, '/usr/local/lib/composer/vendor when none is given'),
  }),
  ComposerInstall: texts,
  ComposerDependencies: s.struct({
    'working-dir': s.optional(text, 'of composer.json'),
    dev: flag(true, 'with require-dev'),
    prefer: s.optional(text, 'source or dist'),
    'ignore-platform-reqs': flag(false, 'as Composer’s option'),
    'no-autoloader': flag(false, 'as Composer’s option'),
    'no-scripts': flag(false, 'as Composer’s option'),
    'no-plugins': flag(false, 'as Composer’s option'),
    'optimize-autoloader': flag(false, 'as Composer’s option'),
    'classmap-authoritative': flag(false, 'as Composer’s option'),
  }),
};

const compiled = {
  CargoInstall: listOr('packages', {
    packages: list('CRATE or CRATE@VERSION'),
    path: s.optional(relative, 'of a crate in the project'),
    features: list('to build with'),
    locked: flag(true, 'versions as in Cargo.lock'),
  }),
  GoInstall: texts,
};

export const languageSteps = { ...python, ...node, ...ruby, ...php, ...compiled };
