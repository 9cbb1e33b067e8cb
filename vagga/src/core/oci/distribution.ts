// Which distribution an image holds, as far as its name tells; later steps are planned before anything is downloaded.
import type { Distribution } from '../steps/distribution.ts';
import type { ImageReference } from './reference.ts';

const DEBIAN_VERSIONS: Readonly<Record<string, string>> = {
  '10': 'buster',
  '11': 'bullseye',
  '12': 'bookworm',
  '13': 'trixie',
  '14': 'forky',
};
const DEBIAN = /^(buster|bullseye|bookworm|trixie|forky|sid|stable|testing|unstable|oldstable)$/;
const UBUNTU_VERSIONS: Readonly<Record<string, string>> = {
  '14.04': 'trusty',
  '16.04': 'xenial',
  '18.04': 'bionic',
  '20.04': 'focal',
  '22.04': 'jammy',
  '24.04': 'noble',
  '26.04': 'resolute',
};
const UBUNTU = /^(trusty|xenial|bionic|focal|jammy|noble|resolute)$/;
const ALPINE = /^v?(\d+\.\d+)(\.\d+)*$/;

const debian = (suite: string | undefined): Distribution | undefined =>
  suite === undefined ? undefined : { kind: 'debian', suite };
const ubuntu = (codename: string | undefined): Distribution | undefined =>
  codename === undefined ? undefined : { kind: 'ubuntu', codename, eatmydata: false };
const alpine = (version: string | undefined): Distribution | undefined =>
  version === undefined ? undefined : { kind: 'alpine', version: `v${version}` };

const alpineVersion = (text: string): string | undefined => ALPINE.exec(text)?.[1];

/** `debian bookworm`, `ubuntu jammy`, `alpine v3.20`: what people write when the name does not tell. */
export function parseDistribution(text: string): Distribution | undefined {
  const [kind, release = '', ...more] = text.trim().split(/\s+/);
  if (more.length > 0 || release === '') return undefined;
  if (kind === 'debian') return debian(DEBIAN_VERSIONS[release] ?? release);
  if (kind === 'ubuntu') return ubuntu(UBUNTU_VERSIONS[release] ?? release);
  return kind === 'alpine' ? alpine(alpineVersion(release)) : undefined;
}

/** `debian:12-slim`, `ubuntu:24.04`, `alpine:3.20.1`, `python:3.12-slim-bookworm`, `golang:1.22-alpine3.19` … */
export function distributionOfName({ repository, tag = '' }: ImageReference): Distribution | undefined {
  const parts = tag.split('-');
  const [first = ''] = parts;
  switch (repository.split('/').at(-1)) {
    case 'debian':
      return debian(
        DEBIAN_VERSIONS[first.split('.', 1)[0] as string] ?? parts.find(part => DEBIAN.test(part)),
      );
    case 'ubuntu':
      return ubuntu(UBUNTU_VERSIONS[first] ?? parts.find(part => UBUNTU.test(part)));
    case 'alpine':
      return alpine(alpineVersion(first));
  }
  const ofAlpine = parts.find(part => /^alpine\d/.test(part))?.slice('alpine'.length);
  if (ofAlpine !== undefined) return alpine(alpineVersion(ofAlpine));
  return debian(parts.find(part => DEBIAN.test(part))) ?? ubuntu(parts.find(part => UBUNTU.test(part)));
}
