// Archives byte by byte: also those that no honest program would write.
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

export interface TarMember {
  readonly name: string | Buffer;
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly target?: string | Buffer;
  readonly data?: string | Buffer;
  /** Of the header, when it lies. */
  readonly size?: number;
  /** Changes the finished header before its checksum is made. */
  readonly twist?: (header: Buffer) => void;
  /** The sum that is written, when it lies. */
  readonly checksum?: number;
}

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits - 1, '0')}\0`;

export function tarMember(member: TarMember): Buffer {
  const data = Buffer.from(member.data ?? '');
  const header = Buffer.alloc(512);
  Buffer.from(member.name).copy(header, 0, 0, 100);
  header.write(octal(member.mode ?? 0o644, 8), 100, 'latin1');
  header.write(octal(member.uid ?? 0, 8), 108, 'latin1');
  header.write(octal(member.gid ?? 0, 8), 116, 'latin1');
  header.write(octal(member.size ?? data.length, 12), 124, 'latin1');
  header.write(octal(member.mtime ?? 1_000_000_000, 12), 136, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(member.type ?? '0', 156, 'latin1');
  Buffer.from(member.target ?? '').copy(header, 157, 0, 100);
  header.write('ustar\x0000', 257, 'latin1');
  member.twist?.(header);
  const sum = member.checksum ?? header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512);
  return Buffer.concat([header, data, padding]);
}

export const TAR_END = Buffer.alloc(1024);

export function tar(...members: readonly (TarMember | Buffer)[]): Buffer {
  return Buffer.concat([
    ...members.map(member => (Buffer.isBuffer(member) ? member : tarMember(member))),
    TAR_END,
  ]);
}

export const tarGz = (...members: readonly (TarMember | Buffer)[]): Buffer => gzipSync(tar(...members));

/** An extended header for the next member (`x`) or for all (`g`). */
export function pax(records: Record<string, string>, type = 'x'): Buffer {
  const lines = Object.entries(records).map(([key, value]) => paxRecord(key, value));
  return tarMember({ name: 'PaxHeaders/x', type, data: Buffer.concat(lines) });
}

export function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** GNU's way: `L` for names, `K` for targets. */
export function gnuLong(type: 'L' | 'K', text: string): Buffer {
  return tarMember({ name: '././@LongLink', type, data: `${text}\0` });
}

export interface ZipMember {
  readonly name: string | Buffer;
  readonly data?: string | Buffer;
  /** Unix mode with file type; undefined: made by DOS. */
  readonly mode?: number;
  readonly stored?: boolean;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  /** Of the directory, when it lies. */
  readonly size?: number;
  readonly headerOffset?: number;
  /** In the directory, instead of the numbers. */
  readonly zip64?: boolean;
}

interface Placed {
  readonly member: ZipMember;
  readonly name: Buffer;
  readonly body: Buffer;
  readonly sizeBytes: number;
  readonly crc: number;
  readonly method: number;
  readonly at: number;
}

function localHeader({ member, name, body, sizeBytes, crc, method }: Placed): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(member.flags ?? 0, 6);
  header.writeUInt16LE(method, 8);
  header.writeUInt16LE(0x21, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(body.length, 18);
  header.writeUInt32LE(sizeBytes, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name, body]);
}

function centralHeader({ member, name, body, sizeBytes, crc, method, at }: Placed): Buffer {
  const header = Buffer.alloc(46);
  const extra = member.zip64 ? Buffer.alloc(28) : Buffer.alloc(0);
  if (member.zip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    [sizeBytes, body.length, at].forEach((value, index) => {
      extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
    });
  }
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt8(20, 4);
  header.writeUInt8(member.mode === undefined ? 0 : 3, 5);
  header.writeUInt16LE(member.flags ?? 0, 8);
  header.writeUInt16LE(method, 10);
  header.writeUInt16LE(0x21, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(member.zip64 ? 0xffffffff : body.length, 20);
  header.writeUInt32LE(member.zip64 ? 0xffffffff : (member.size ?? sizeBytes), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(((member.mode ?? 0) << 16) >>> 0, 38);
  header.writeUInt32LE(member.zip64 ? 0xffffffff : (member.headerOffset ?? at), 42);
  return Buffer.concat([header, name, extra]);
}

function place(members: readonly ZipMember[], from: number): Placed[] {
  let at = from;
  return members.map(member => {
    const plain = Buffer.from(member.data ?? '');
    const body = member.stored ? plain : deflateRawSync(plain);
    const name = Buffer.from(member.name);
    const method = member.method ?? (member.stored ? 0 : 8);
    const placed = {
      member,
      name,
      body,
      sizeBytes: plain.length,
      crc: member.crc ?? crc32(plain),
      method,
      at,
    };
    at += 30 + name.length + body.length;
    return placed;
  });
}

/** `front`: bytes before the archive, as of a self-extracting one. `entries`: the count that is written. */
export function zip(members: readonly ZipMember[], more: { front?: Buffer; entries?: number } = {}): Buffer {
  const front = more.front ?? Buffer.alloc(0);
  const placed = place(members, 0);
  const body = Buffer.concat(placed.map(localHeader));
  const directory = Buffer.concat(placed.map(centralHeader));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(more.entries ?? members.length, 8);
  end.writeUInt16LE(more.entries ?? members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(body.length, 16);
  return Buffer.concat([front, body, directory, end]);
}
