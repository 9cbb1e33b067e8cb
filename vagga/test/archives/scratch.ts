// A root to unpack into, with things around it that must never change.
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `path` as bytes: names need not be UTF-8. */
function describe(path: Buffer, name: string): string[] {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isDirectory()) {
    const names = readdirSync(path, { encoding: 'buffer' }).map(child => child.toString('latin1'));
    const inside = names.sort().flatMap(child => {
      const below = Buffer.concat([path, Buffer.from('/'), Buffer.from(child, 'latin1')]);
      return describe(below, `${name}/${child}`);
    });
    return [`${name}/ ${mode}`, ...inside];
  }
  if (stat.isSymbolicLink()) return [`${name} -> ${readlinkSync(path)}`];
  return [`${name} ${mode} ${stat.uid}:${stat.gid} ${stat.nlink} ${readFileSync(path, 'latin1')}`];
}

export class Scratch {
  readonly base = mkdtempSync(join(tmpdir(), 'vagga-scratch-'));
  readonly root = join(this.base, 'around/root');
  readonly canary = join(this.base, 'around/canary');

  constructor() {
    mkdirSync(join(this.base, 'around/directory'), { recursive: true });
    writeFileSync(this.canary, 'sings');
    writeFileSync(join(this.base, 'around/directory/file'), 'untouched');
    symlinkSync('canary', join(this.base, 'around/link'));
    this.empty();
  }

  /** A fresh root, as that of a small image. */
  empty(): void {
    rmSync(this.root, { recursive: true, force: true });
    mkdirSync(join(this.root, 'usr/bin'), { recursive: true });
    mkdirSync(join(this.root, 'etc'));
    writeFileSync(join(this.root, 'etc/passwd'), 'root');
    symlinkSync('usr/bin', join(this.root, 'bin'));
    symlinkSync('/usr/bin', join(this.root, 'abin'));
  }

  write(name: string, bytes: Buffer): string {
    const path = join(this.base, name);
    writeFileSync(path, bytes);
    return path;
  }

  /** Everything around the root, as text. */
  around(): string {
    const names = readdirSync(join(this.base, 'around')).filter(name => name !== 'root');
    return names.flatMap(name => describe(Buffer.from(join(this.base, 'around', name)), name)).join('\n');
  }

  /** The root itself, as text: what two ways to unpack must agree on. */
  inside(): string {
    return describe(Buffer.from(this.root), '').join('\n');
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}
