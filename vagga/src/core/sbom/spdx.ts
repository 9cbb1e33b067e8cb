// What is in an image, as an SPDX 2.3 document in JSON.
import { isoTime } from '../iso-time.ts';
import type { InstalledPackage } from './package-lists.ts';

export interface SbomSubject {
  readonly name: string;
  readonly version: string;
  /** Of the image, `sha256:…`. */
  readonly digest: string;
  /** `ID` of /etc/os-release. */
  readonly distribution: string;
  /** Seconds. */
  readonly createdS: number;
}

/** Where package URLs put packages of a distribution below its name. */
function packageUrl({ system, name, version, architecture }: InstalledPackage, distribution: string): string {
  const encoded = name.split('/').map(encodeURIComponent).join('/');
  const isOfDistribution = system === 'deb' || system === 'apk';
  const space = isOfDistribution ? `${encodeURIComponent(distribution)}/` : '';
  const qualifiers = architecture === undefined ? '' : `?arch=${encodeURIComponent(architecture)}`;
  return `pkg:${system}/${space}${encoded}@${encodeURIComponent(version)}${qualifiers}`;
}

function packageEntry(one: InstalledPackage, index: number, distribution: string) {
  return {
    SPDXID: `SPDXRef-Package-${index + 1}`,
    name: one.name,
    versionInfo: one.version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: packageUrl(one, distribution),
      },
    ],
  };
}

const IMAGE = 'SPDXRef-Image';

function imageEntry({ name, version, digest }: SbomSubject) {
  return {
    SPDXID: IMAGE,
    name,
    versionInfo: version,
    primaryPackagePurpose: 'CONTAINER',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    checksums: [{ algorithm: 'SHA256', checksumValue: digest.slice('sha256:'.length) }],
  };
}

/** The same image and packages give the same text. */
export function spdxText(subject: SbomSubject, installed: readonly InstalledPackage[]): string {
  const { name, digest, distribution, createdS } = subject;
  const packages = installed.map((one, index) => packageEntry(one, index, distribution));
  const contains = packages.map(({ SPDXID }) => ({
    spdxElementId: IMAGE,
    relationshipType: 'CONTAINS',
    relatedSpdxElement: SPDXID,
  }));
  const describes = {
    spdxElementId: 'SPDXRef-DOCUMENT',
    relationshipType: 'DESCRIBES',
    relatedSpdxElement: IMAGE,
  };
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${digest.slice('sha256:'.length)}`,
    creationInfo: { created: isoTime(createdS), creators: ['Tool: vagga'] },
    packages: [imageEntry(subject), ...packages],
    relationships: [describes, ...contains],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
