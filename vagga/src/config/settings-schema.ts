// Keys of settings files (§4.8 of the format, and our own). Which of them a project may set is part of it: a project that is cloned
// must not decide where things of its user are stored.
import { s } from '@suite/shared/schema/index.ts';

const text = s.text();
const bool = (description: string) => s.optional(s.bool(), description);
const path = (description: string) => s.optional(s.text({ min: 1 }), description);

/** Accepted in every settings file. */
const EVERYWHERE = {
  'version-check': bool('accepted and without effect: identities are always checked'),
  'ubuntu-mirror': s.optional(text, 'address of the Ubuntu archive'),
  'ubuntu-skip-locking': bool('several builds may use the package cache at once'),
  'alpine-mirror': s.optional(text, 'address of the Alpine archive'),
  'debian-mirror': s.optional(text, 'address of the Debian archive'),
  'debian-snapshot-mirror': s.optional(text, 'address below which the Debian archive is kept by date'),
  'build-lock-wait': bool('waits for another build of the same container'),
  'versioned-build-dir': bool('different versions of a container can be built at once'),
  'disable-auto-clean': bool('`auto-clean` of containers has no effect'),
  'run-symlinks-as-commands': bool('a symlink to vagga runs the command that has its `symlink-name`'),
  environ: s.optional(s.map(text), 'variables of every command'),
  'step-cache': bool('finished steps are kept, so that a build starts at the step that changed'),
  jobs: s.optional(s.int({ min: 1, max: 1024 }), 'containers that are built at once'),
};

/** Only in settings of the user. */
const OF_USER = {
  'storage-dir': path('directory for the images of all projects'),
  'storage-subdir-from-env-var': s.optional(text, 'variable with the name of this project’s directory there'),
  'cache-dir': path('directory for what builds download; must exist'),
  'ubuntu-keyring': path('OpenPGP keys of your own Ubuntu mirror'),
  'debian-keyring': path('OpenPGP keys of your own Debian mirror'),
  'alpine-keys': path('directory with the public keys (*.rsa.pub) of your own Alpine mirror'),
  'proxy-env-vars': bool('proxy variables of the caller are handed to builds and commands'),
  'ssh-agent': bool(
    'build steps may use the ssh-agent of the caller (SSH_AUTH_SOCK), for private repositories',
  ),
  'external-volumes': s.optional(
    s.map(s.path('any')),
    'directories of the host that volumes may bind, by name below /volumes',
  ),
  'push-image-script': s.optional(text, 'shell script that uploads an image'),
  'auto-apply-sysctl': bool('raises the limit of watches when a command needs more'),
  'index-all-images': bool('the files of every new image are listed with their checksums'),
  'hard-link-identical-files': bool('equal files of images share their bytes'),
  'hard-link-between-projects': bool('also with images of other projects'),
  'propagate-environ': s.optional(
    s.list(text),
    'variables of the caller to hand in; `*` stands for anything',
  ),
  'step-cache-size': s.optional(s.int({ min: 0 }), 'bytes that finished steps may take; suffixes as 20Gi'),
  'step-cache-age': s.optional(s.int({ min: 0 }), 'days after which an unused step goes'),
};

/** Only in settings of a project. */
const OF_PROJECT = { 'shared-cache': bool('false: the user’s `cache-dir` is not used here') };

const site = s.struct({ ...EVERYWHERE, ...OF_USER, ...OF_PROJECT });

export const userSettingsSchema = s.struct({
  ...EVERYWHERE,
  ...OF_USER,
  'site-settings': s.optional(s.map(site), 'the same keys for one project, by its absolute path'),
});

export const projectSettingsSchema = s.struct({ ...EVERYWHERE, ...OF_PROJECT });

/** What any of them can hold, as far as it is the same. */
export const anySettingsSchema = site;
