// Other containers, other projects, images, version control.
import { s } from '@suite/shared/schema/index.ts';
import { absolute, flag, INSTALL_SCRIPT, list, relative, text } from './common.ts';

const checkout = {
  url: s.required(text, 'of the repository'),
  revision: s.optional(text, 'commit or tag'),
  branch: s.optional(text, 'the default branch when none is given'),
};

const configSource = s.tagged({ Directory: s.nothing(), Container: text, Git: s.struct(checkout) });

export const sourceSteps = {
  Container: text,
  Build: s.struct({
    container: s.required(text, 'that is built before'),
    source: s.withDefault(absolute, '/', 'in that container'),
    path: s.optional(absolute, 'where the source is copied to'),
    'temporary-mount': s.optional(absolute, 'where the source can be read during the build'),
    'content-hash': flag(false, 'the image depends on what the source holds, not on how it is built'),
    rules: list('what to copy, in the style of .gitignore'),
  }),
  SubConfig: s.struct({
    source: s.withDefault(
      configSource,
      { tag: 'Directory', value: null },
      'where the other config is: the project, a container or a repository',
    ),
    path: s.withDefault(relative, 'vagga.yaml', 'of the other config'),
    container: s.required(text, 'of the other config, whose steps are run here'),
    cache: s.optional(s.bool(), 'accepted and without effect'),
  }),
  Git: s.struct({ ...checkout, path: s.required(absolute, 'of the working tree in the image') }),
  GitInstall: s.struct({
    ...checkout,
    subdir: s.withDefault(relative, '.', 'where the script runs'),
    script: s.withDefault(text, INSTALL_SCRIPT, 'shell script that installs'),
  }),
  GitDescribe: s.struct(
    {
      repo: s.withDefault(absolute, '/work', 'a repository'),
      pattern: s.optional(text, 'only tags that match'),
      'output-file': s.optional(absolute, 'in the image, for the description'),
    },
    { shorthand: 'output-file' },
  ),
  OciImage: s.struct(
    {
      image: s.optional(text, 'NAME, NAME:TAG or NAME@DIGEST in a registry'),
      archive: s.optional(text, 'file with an image, as `docker save` writes it'),
      layout: s.optional(text, 'directory with an OCI image layout'),
      platform: s.optional(text, 'as linux/amd64; the machine’s own when none is given'),
      'tls-verify': flag(true, 'false for a registry without a good certificate'),
      distribution: s.optional(
        text,
        'as debian bookworm, ubuntu noble, alpine v3.20; needed by package steps when the name does not tell',
      ),
    },
    { shorthand: 'image' },
  ),
};
