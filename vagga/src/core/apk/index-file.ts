// APKINDEX: one paragraph per package, a letter and a colon before each value.

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  /** SHA-1 of the package's control member, base64. */
  readonly checksum: string;
  readonly sizeBytes: number;
}

function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
  return new Map(
    paragraph
      .split('\n')
      .flatMap(line => (line[1] === ':' ? [[line[0] as string, line.slice(2)] as const] : [])),
  );
}

/** The entry of package `name`, undefined when there is none or it is damaged. */
export function findPackage(index: string, name: string): IndexEntry | undefined {
  const paragraph = index.split('\n\n').find(text => `\n${text}`.includes(`\nP:${name}\n`));
  if (paragraph === undefined) return undefined;
  const fields = fieldsOf(paragraph);
  const [version, checksum, size] = ['V', 'C', 'S'].map(key => fields.get(key) ?? '');
  // The name becomes part of an address and of a path.
  if (!/^[A-Za-z0-9._-]+$/.test(version ?? '') || !checksum?.startsWith('Q1') || !/^\d+$/.test(size ?? ''))
    return undefined;
  return { name, version: version as string, checksum: checksum.slice(2), sizeBytes: Number(size) };
}

/** `datahash = …` of a package's .PKGINFO: SHA-256 of the data member, hexadecimal. */
export function dataHash(packageInfo: string): string | undefined {
  return /^datahash = ([0-9a-f]{64})$/m.exec(packageInfo)?.[1];
}
