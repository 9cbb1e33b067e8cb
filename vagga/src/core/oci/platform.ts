// linux/amd64, linux/arm64/v8 … : which of the images under one name is meant.

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Undefined when it is not one. */
export function parsePlatform(text: string): Platform | undefined {
  const [os = '', architecture = '', variant, ...more] = text.split('/');
  const isGood =
    more.length === 0 && [os, architecture, variant ?? 'v'].every(part => /^[a-z0-9_.-]+$/i.test(part));
  if (!isGood) return undefined;
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

export function platformText({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** By Node's names of architectures. */
const ARCHITECTURES: Readonly<Record<string, Platform>> = {
  x64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64' },
  arm: { os: 'linux', architecture: 'arm', variant: 'v7' },
  ia32: { os: 'linux', architecture: '386' },
  loong64: { os: 'linux', architecture: 'loong64' },
  ppc64: { os: 'linux', architecture: 'ppc64le' },
  riscv64: { os: 'linux', architecture: 'riscv64' },
  s390x: { os: 'linux', architecture: 's390x' },
};

export function platformOf(arch: string): Platform {
  return ARCHITECTURES[arch] ?? { os: 'linux', architecture: arch };
}

/** A variant counts only where both name one. */
export function fits(offered: Platform, wanted: Platform): boolean {
  return (
    offered.os === wanted.os &&
    offered.architecture === wanted.architecture &&
    (offered.variant === undefined || wanted.variant === undefined || offered.variant === wanted.variant)
  );
}
