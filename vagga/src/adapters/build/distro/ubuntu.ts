// `!Ubuntu`, `!UbuntuRelease`: from the archive, from that of old releases, or from a root file system at an address.
import { writeFileSync } from 'node:fs';
import { UBUNTU_MIRROR, UBUNTU_OLD_MIRROR, UBUNTU_PORTS_MIRROR } from '../../../config/defaults.ts';
import type { BuildContext } from '../context.ts';
import { asking } from '../downloads.ts';
import { fileInRoot } from '../in-root.ts';
import { keyDirectory, readKeyring, trustInside } from './keyrings.ts';
import { chooseMirror } from './mirror.ts';
import { bootstrapInto } from './mmdebstrap.ts';
import { ubuntuKeyring } from './ubuntu-keys.ts';

const DEB_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'i386', arm: 'armhf' };

const hostArchitecture = () => DEB_ARCHITECTURES[process.arch] ?? process.arch;

function defaultMirror(arch: string): string {
  return arch === 'amd64' || arch === 'i386' ? UBUNTU_MIRROR : UBUNTU_PORTS_MIRROR;
}

function trustedKeys(context: BuildContext): string {
  const { ubuntuKeyring: own } = context.settings;
  const keys = new Map([['ubuntu.gpg', ubuntuKeyring()]]);
  if (own !== undefined) keys.set('own.gpg', readKeyring(own));
  return keyDirectory(context, 'apt-keys', keys);
}

export function ubuntuLines(mirror: string, codename: string, ...components: readonly string[]): string[] {
  return ['', '-updates', '-security'].map(
    part => `deb ${mirror} ${codename}${part} ${components.join(' ')}`,
  );
}

/** Where the release is now: the mirror of the settings or Ubuntu's own, else the archive of old releases. */
function locate(context: BuildContext, codename: string, arch: string) {
  const first = context.settings.ubuntuMirror ?? defaultMirror(arch);
  return chooseMirror([first, UBUNTU_OLD_MIRROR], codename, asking(context));
}

/**
 * Programs that package scripts of old releases call while a system is made and that fail then: chfn asks PAM, which is
 * not set up yet; device nodes cannot be made in a user namespace, but a tty must seem to be there. Program → script.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  '/usr/bin/chfn': 'exit 0',
  '/sbin/MAKEDEV': '[ -e /dev/tty0 ] || : > /dev/tty0',
};

/** dpkg itself keeps the real one out of the way, however often its package is unpacked. */
const divert = ([path, script]: readonly [string, string]): string =>
  [
    `if [ -e "$1${path}" ]; then mv "$1${path}" "$1${path}.kept"; fi;`,
    `mkdir -p "$(dirname "$1${path}")"; printf '#!/bin/sh\\n%s\\n' '${script}' > "$1${path}"; chmod 755 "$1${path}";`,
    `printf '%s\\n%s.kept\\n:\\n' ${path} ${path} >> "$1/var/lib/dpkg/diversions"`,
  ].join(' ');

const restore = (path: string): string =>
  `rm "$1${path}"; chroot "$1" dpkg-divert --quiet --local --rename --remove ${path}`;

const NO_FALSE_TTY = 'if [ -f "$1/dev/tty0" ]; then rm "$1/dev/tty0"; fi';

const HINT = 'name another one with the setting ubuntu-mirror';

/** Undefined when it went well, else why not. */
export async function bootstrapUbuntu(
  context: BuildContext,
  codename: string,
  arch: string | undefined,
): Promise<string | undefined> {
  const located = await locate(context, codename, arch ?? hostArchitecture());
  if (!located.ok) return `${located.message}; ${HINT}`;
  const failed = await bootstrapInto(context, {
    suite: codename,
    sources: ubuntuLines(located.mirror.replace(/\/+$/, ''), codename, 'main', 'restricted'),
    variant: 'minbase',
    ...(arch !== undefined && arch !== hostArchitecture() && { arch }),
    baseCache: 'ubuntu-base',
    packageCache: 'apt-cache',
    include: ['apt', 'locales'],
    aptOptions: ['Acquire::Languages "none"'],
    keyring: trustedKeys(context),
    unpackedHooks: Object.entries(STAND_INS).map(divert),
    finalHooks: [...Object.keys(STAND_INS).map(restore), NO_FALSE_TTY, 'chroot "$1" locale-gen en_US.UTF-8'],
  });
  if (failed === undefined) trustInside(context, context.settings.ubuntuKeyring);
  return failed;
}

/** Sources for a root that came from somewhere else, as the bootstrap would have written them. */
export async function writeUbuntuSources(
  context: BuildContext,
  codename: string,
): Promise<string | undefined> {
  const located = await locate(context, codename, hostArchitecture());
  if (!located.ok) return `${located.message}; ${HINT}`;
  const lines = ubuntuLines(located.mirror.replace(/\/+$/, ''), codename, 'main', 'restricted');
  writeFileSync(fileInRoot(context.root, '/etc/apt/sources.list'), `${lines.join('\n')}\n`);
  trustInside(context, context.settings.ubuntuKeyring);
  return undefined;
}
