// An npm registry on loopback: documents and tarballs of packages that the test writes, and of real ones.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly [key: string]: unknown;
}

interface Release {
  readonly manifest: Manifest;
  readonly tarball: Buffer;
}

const digest = (kind: string, data: Buffer, encoding: 'hex' | 'base64') =>
  createHash(kind).update(data).digest(encoding);

/** `@scope/name` → `name-1.0.0.tgz`. */
const fileOf = ({ name, version }: Manifest) => `${name.split('/').at(-1)}-${version}.tgz`;

/** Everything in a tarball of npm is below `package`. */
function pack(fill: (directory: string) => void): Buffer {
  const place = mkdtempSync(join(tmpdir(), 'vagga-npm-'));
  try {
    fill(join(place, 'package'));
    return execFileSync('tar', ['-cz', '-C', place, 'package'], { maxBuffer: 256 * 1024 * 1024 });
  } finally {
    rmSync(place, { recursive: true });
  }
}

export class NpmRegistry {
  readonly #releases: Release[] = [];
  readonly #server: Server;
  readonly requests: string[] = [];
  #url = '';

  constructor() {
    this.#server = createServer(({ url = '' }, response) => {
      const path = decodeURIComponent(url.slice(1));
      this.requests.push(path);
      const body = this.#tarball(path) ?? this.#document(path);
      if (body === undefined) response.writeHead(404).end('{"error": "not found"}');
      else response.end(body);
    });
  }

  /** The newest release is the one that was added last. */
  add(manifest: Manifest, files: Readonly<Record<string, string>>): void {
    const tarball = pack(directory => {
      for (const [path, text] of Object.entries({ ...files, 'package.json': JSON.stringify(manifest) })) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text, { mode: path.startsWith('bin/') ? 0o755 : 0o644 });
      }
    });
    this.#releases.push({ manifest, tarball });
  }

  /** A package as it is installed. */
  addInstalled(directory: string): void {
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
    const tarball = pack(target => cpSync(directory, target, { recursive: true }));
    this.#releases.push({ manifest, tarball });
  }

  #tarball(path: string): Buffer | undefined {
    return this.#releases.find(({ manifest }) => path === `${manifest.name}/-/${fileOf(manifest)}`)?.tarball;
  }

  #document(name: string): string | undefined {
    const releases = this.#releases.filter(({ manifest }) => manifest.name === name);
    const latest = releases.at(-1)?.manifest.version;
    if (latest === undefined) return undefined;
    const versions = releases.map(({ manifest, tarball }) => {
      const dist = {
        tarball: `${this.#url}${name}/-/${fileOf(manifest)}`,
        shasum: digest('sha1', tarball, 'hex'),
        integrity: `sha512-${digest('sha512', tarball, 'base64')}`,
      };
      return [manifest.version, { ...manifest, dist }];
    });
    return JSON.stringify({ name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) });
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    return this.#url;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
