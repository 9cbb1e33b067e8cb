// The package format of Alpine (v2): gzip members one after the other, each a piece of a tar. An index is a signature and
// a tar with APKINDEX; a package is a signature, a control tar (.PKGINFO) and a data tar.

/** Decompresses the gzip member at the start of `bytes`; `size` is what it took of them. Throws on damage. */
export type Gunzip = (bytes: Uint8Array) => { readonly data: Uint8Array; readonly size: number };

export interface Member {
  /** As in the file: what signatures and checksums are made of. */
  readonly packed: Uint8Array;
  readonly data: Uint8Array;
}

export interface TarFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** A signature, control and data; anything behind them is not ours. */
const MEMBERS_MAX = 3;
const BLOCK = 512;

/** At most the first three members. */
export function splitMembers(bytes: Uint8Array, gunzip: Gunzip): Member[] {
  const members: Member[] = [];
  let at = 0;
  while (at < bytes.length && members.length < MEMBERS_MAX) {
    const { data, size } = gunzip(bytes.subarray(at));
    members.push({ packed: bytes.subarray(at, at + size), data });
    at += size;
  }
  return members;
}

const latin1 = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
};

/** The regular files of a piece of a tar. Other entries are skipped, an end mark is not needed. */
export function tarFiles(tar: Uint8Array): TarFile[] {
  const files: TarFile[] = [];
  let at = 0;
  while (at + BLOCK <= tar.length) {
    const header = tar.subarray(at, at + BLOCK);
    if (header[0] === 0) break;
    const size = Number.parseInt(latin1(header.subarray(124, 136)), 8);
    const start = at + BLOCK;
    if (!Number.isInteger(size) || size < 0 || start + size > tar.length) throw new Error('damaged tar');
    const type = header[156];
    if (type === 0 || type === 0x30)
      files.push({ name: latin1(header.subarray(0, 100)), data: tar.subarray(start, start + size) });
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

export interface Signature {
  /** Name of the public key's file. */
  readonly key: string;
  readonly digest: 'sha1' | 'sha256';
  readonly bytes: Uint8Array;
}

/** Those of a signature member; several keys may have signed. */
export function signaturesOf(member: Member): Signature[] {
  return tarFiles(member.data).flatMap(({ name, data }) => {
    const match = /^\.SIGN\.RSA(256)?\.([^/]+)$/.exec(name);
    if (match === null) return [];
    return [
      { key: match[2] as string, digest: match[1] === undefined ? 'sha1' : 'sha256', bytes: data } as const,
    ];
  });
}
