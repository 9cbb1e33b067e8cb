// The lists of installed packages that a build keeps beside its image, read as names and versions.

export interface InstalledPackage {
  /** As package URLs name the system: deb, apk, pypi, npm, composer, gem. */
  readonly system: string;
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
}

type ReadLine = (line: string) => Omit<InstalledPackage, 'system'> | undefined;

const matched =
  (pattern: RegExp): ReadLine =>
  line => {
    const [, name, version, architecture] = pattern.exec(line) ?? [];
    if (name === undefined || version === undefined) return undefined;
    return { name, version, ...(architecture !== undefined && { architecture }) };
  };

/** File → system, and what a line of it says. */
export const PACKAGE_LISTS: Readonly<Record<string, { readonly system: string; readonly line: ReadLine }>> = {
  // dpkg -l: `ii  libc6:amd64  2.36-9  amd64  GNU C Library`
  'debian-packages.txt': { system: 'deb', line: matched(/^[a-z]i\s+([^\s:]+)(?::\S+)?\s+(\S+)\s+(\S+)/) },
  // apk -vv info: `musl-1.2.4-r2 - the musl c library`
  'alpine-packages.txt': { system: 'apk', line: matched(/^(\S+)-(\d[^\s-]*-r\d+)(?:\s|$)/) },
  'pip2-freeze.txt': { system: 'pypi', line: matched(/^([\w.-]+)===?(\S+)$/) },
  'pip3-freeze.txt': { system: 'pypi', line: matched(/^([\w.-]+)===?(\S+)$/) },
  // npm ls --global: `├── @scope/name@1.2.3`
  'npm-list.txt': { system: 'npm', line: matched(/^[^\w@]*[├└+`]\S* ((?:@[^\s/]+\/)?[^\s@/]+)@(\S+)/) },
  // composer show: `vendor/name  v1.2.3  what it is`
  'composer-list.txt': { system: 'composer', line: matched(/^([\w.-]+\/[\w.-]+)\s+v?(\d\S*)/) },
  // gem list: `rake (13.0.6, default: 13.0.3)`
  'gems-list.txt': { system: 'gem', line: matched(/^([\w.-]+) \((?:default: )?([^\s,)]+)/) },
};

/** By file name, as far as there is such a file. Sorted, each package once. */
export function installedPackages(lists: Readonly<Record<string, string>>): InstalledPackage[] {
  const found = Object.entries(lists).flatMap(([file, text]) => {
    const list = PACKAGE_LISTS[file];
    if (list === undefined) return [];
    return text.split('\n').flatMap(line => {
      const one = list.line(line);
      return one === undefined ? [] : [{ system: list.system, ...one }];
    });
  });
  const byKey = new Map(found.map(one => [JSON.stringify(one), one]));
  return [...byKey.keys()].sort().map(key => byKey.get(key) as InstalledPackage);
}
