// `!Debian`, `!DebianRelease`: from the host's own mirror where it has one, else from the one that mmdebstrap knows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEBIAN_OLD_MIRROR } from '../../../config/defaults.ts';
import { datedLines, releaseLines } from '../../../core/debian/releases.ts';
import { type AptSource, parseSources, sourceLines } from '../../../core/debian/sources.ts';
import type { DebianRelease } from '../../../core/steps/package-actions.ts';
import type { BuildContext } from '../context.ts';
import { asking } from '../downloads.ts';
import { keyDirectory, readKeyring, trustInside } from './keyrings.ts';
import { chooseMirror } from './mirror.ts';
import { bootstrapInto } from './mmdebstrap.ts';

const APT_DIRECTORY = '/etc/apt';
/** Where Debian's package puts its keys; the second are those of releases that are not maintained any more. */
const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const OLD_KEYS = '/usr/share/keyrings/debian-archive-removed-keys.gpg';
/** What an archive says about its own age is true and no danger when an old state is wanted. */
const ANY_AGE = 'Acquire::Check-Valid-Until "false"';
const NO_TRANSLATIONS = 'Acquire::Languages "none"';

const NO_SNAPSHOTS =
  'snapshot needs the setting debian-snapshot-mirror: the address below which an archive keeps Debian by date, e.g. in ~/.config/vagga/settings.yaml';

/** What the host's own apt uses. */
function hostSources(): AptSource[] {
  const read = (path: string): AptSource[] => {
    try {
      return parseSources(path, readFileSync(path, 'utf8'));
    } catch {
      return [];
    }
  };
  const directory = join(APT_DIRECTORY, 'sources.list.d');
  let names: string[] = [];
  try {
    names = readdirSync(directory).filter(name => /\.(list|sources)$/.test(name));
  } catch {
    // A host without apt: mmdebstrap's own mirror applies.
  }
  return [join(APT_DIRECTORY, 'sources.list'), ...names.sort().map(name => join(directory, name))].flatMap(
    read,
  );
}

/** The host's mirror for any release of Debian; undefined: none is asked over http, or the host is no Debian. */
export function hostMirror(): string | undefined {
  return hostSources().find(({ uri }) => /^https?:.*\/debian\/*$/.test(uri))?.uri;
}

interface Archive {
  /** Empty: mmdebstrap's own. */
  readonly lines: readonly string[];
  readonly aptOptions?: readonly string[];
  readonly isOld?: boolean;
}

async function fromDebian(context: BuildContext, release: DebianRelease): Promise<Archive | string> {
  const { suite, components } = release;
  const own = hostMirror();
  const mirrors = own === undefined ? [DEBIAN_OLD_MIRROR] : [own, DEBIAN_OLD_MIRROR];
  const chosen = await chooseMirror(mirrors, suite, asking(context));
  if (!chosen.ok) return own === undefined ? { lines: [] } : chosen.message;
  if (chosen.mirror === own) return { lines: releaseLines(own, suite, components) };
  const lines = sourceLines([], suite, components, DEBIAN_OLD_MIRROR);
  return { lines, aptOptions: [ANY_AGE], isOld: true };
}

async function archiveOf(context: BuildContext, release: DebianRelease): Promise<Archive | string> {
  const { suite, components, mirror = context.settings.debianMirror, snapshot } = release;
  if (snapshot !== undefined) {
    const base = context.settings.debianSnapshotMirror;
    if (base === undefined) return NO_SNAPSHOTS;
    return { lines: datedLines(base, snapshot, suite, components), aptOptions: [ANY_AGE] };
  }
  const lines = sourceLines(hostSources(), suite, components, mirror);
  return lines.length > 0 ? { lines } : await fromDebian(context, release);
}

/** The host's own trust, unless keys are needed that it does not have. */
function keyring(context: BuildContext, { isOld }: Archive): { keyring?: string } {
  const { debianKeyring: own } = context.settings;
  if (own === undefined && isOld !== true) return {};
  const known = [DEBIAN_KEYS, OLD_KEYS].filter(path => existsSync(path));
  const paths = own === undefined ? known : [...known, own];
  const keys = new Map(paths.map((path, index) => [`${index}.gpg`, readKeyring(path)]));
  return { keyring: keyDirectory(context, 'apt-keys', keys) };
}

/** Undefined when it went well, else why not. */
export async function bootstrapDebian(
  context: BuildContext,
  release: DebianRelease,
): Promise<string | undefined> {
  const archive = await archiveOf(context, release);
  if (typeof archive === 'string') return archive;
  const failed = await bootstrapInto(context, {
    suite: release.suite,
    sources: archive.lines,
    components: release.components,
    variant: release.variant,
    ...(release.arch !== undefined && { arch: release.arch }),
    baseCache: 'debian-base',
    packageCache: 'apt-cache-debian',
    // Not every archive counts it among the required packages.
    include: release.variant === 'essential' ? [] : ['apt'],
    aptOptions: [NO_TRANSLATIONS, ...(archive.aptOptions ?? [])],
    ...keyring(context, archive),
    unpackedHooks: [],
    finalHooks: [],
  });
  if (failed === undefined) trustInside(context, context.settings.debianKeyring);
  return failed;
}
