// Ubuntu's releases in the order they appeared: package names changed over time. A codename that is not here is newer.

const CODENAMES = [
  'precise',
  'quantal',
  'raring',
  'saucy',
  'trusty',
  'utopic',
  'vivid',
  'wily',
  'xenial',
  'yakkety',
  'zesty',
  'artful',
  'bionic',
  'cosmic',
  'disco',
  'eoan',
  'focal',
  'groovy',
  'hirsute',
  'impish',
  'jammy',
  'kinetic',
  'lunar',
  'mantic',
  'noble',
] as const;

export type KnownCodename = (typeof CODENAMES)[number];

function rank(codename: string | undefined): number {
  const index = (CODENAMES as readonly string[]).indexOf(codename ?? '');
  return index < 0 ? CODENAMES.length : index;
}

/** Unknown and undefined codenames count as newer than all known ones. */
export function isOlder(codename: string | undefined, than: KnownCodename): boolean {
  return rank(codename) < rank(than);
}

/** The codename in an address such as `…/ubuntu-xenial-core-….tar.gz`, for package names only. */
export function codenameIn(url: string): string | undefined {
  return CODENAMES.find(name => new RegExp(`(^|[^a-z])${name}([^a-z]|$)`).test(url));
}

const VERSIONS: Readonly<Record<string, KnownCodename>> = {
  '12.04': 'precise',
  '14.04': 'trusty',
  '14.10': 'utopic',
  '15.04': 'vivid',
  '15.10': 'wily',
  '16.04': 'xenial',
};

/** The outdated `version` key: a third number (`14.04.2`) is ignored. */
export function codenameOfVersion(version: string): KnownCodename | undefined {
  return VERSIONS[version.split('.').slice(0, 2).join('.')];
}
