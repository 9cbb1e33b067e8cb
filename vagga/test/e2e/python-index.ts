// An index of Python packages on loopback.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A wheel is a zip with metadata; this one has a single module. */
const MAKE_WHEEL = `
import sys, zipfile
name, version, text, path = sys.argv[1:]
info = '%s-%s.dist-info/' % (name, version)
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.writestr(name + '.py', text)
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n' % (name, version))
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
`;

function wheel(name: string, version: string, text: string): Buffer {
  const place = mkdtempSync(join(tmpdir(), 'vagga-wheel-'));
  const path = join(place, 'made.whl');
  const made = spawnSync('python3', ['-c', MAKE_WHEEL, name, version, text, path], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  const body = readFileSync(path);
  rmSync(place, { recursive: true });
  return body;
}

/** A package index as PEP 503 has it: a page of links per project. */
export class PythonIndex {
  readonly #files = new Map<string, Buffer>();
  readonly #server: Server;
  readonly requests: string[] = [];

  constructor() {
    this.#server = createServer(({ url = '' }, response) => {
      this.requests.push(url);
      const file = this.#files.get(url);
      const project = /^\/simple\/([^/]+)\/$/.exec(url)?.[1];
      if (file !== undefined) response.end(file);
      else if (project !== undefined)
        response.setHeader('content-type', 'text/html').end(this.#page(project));
      else response.writeHead(404).end();
    });
  }

  #page(project: string): string {
    const links = [...this.#files].filter(([path]) => path.startsWith(`/files/${project}-`));
    const anchors = links.map(([path, body]) => {
      const sha256 = createHash('sha256').update(body).digest('hex');
      return `<a href="${path}#sha256=${sha256}">${path.slice('/files/'.length)}</a>`;
    });
    return `<!DOCTYPE html><html><body>${anchors.join('\n')}</body></html>`;
  }

  add(name: string, version: string, text: string): void {
    this.#files.set(`/files/${name}-${version}-py3-none-any.whl`, wheel(name, version, text));
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/simple/`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
