// Package managers for real, against servers on loopback that speak their protocol.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';

t.setTimeout(300_000);
const rig = new Rig();
t.teardown(() => rig.remove());

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
  const path = join(rig.root, `${name}-${version}-py3-none-any.whl`);
  const made = spawnSync('python3', ['-c', MAKE_WHEEL, name, version, text, path], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  return readFileSync(path);
}

/** A package index as PEP 503 has it: a page of links per project. */
class Index {
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

t.test('§2.6 !Py3Requirements: from an index, listed beside the image, without pip in it', async t => {
  const index = new Index();
  index.add('greeting', '1.0', 'WORD = "old"\n');
  index.add('greeting', '1.1', 'WORD = "hello"\n');
  const url = await index.start();
  t.teardown(() => index.stop());
  rig.write('requirements.txt', 'greeting==1.1\n');
  rig.write(
    'vagga.yaml',
    `containers:
  c:
    setup:
    - !Debian bookworm
    - !PipConfig
      index-urls: ["${url}"]
    - !Py3Requirements requirements.txt
commands:
  say: !Command
    container: c
    run: [python3, -c, "import greeting; print(greeting.WORD)"]
  pip: !Command
    container: c
    run: python3 -m pip --version
`,
  );
  // The server answers in this very process, so that nothing here may wait for vagga.
  const said = await rig.start(['say']).ended;
  t.match(said, { code: 0, stdout: 'hello\n' }, said.stderr.slice(-2000));
  t.equal(
    rig.read(
      `.vagga/.roots/${rig.list('.vagga/.roots').find(name => name.startsWith('c.'))}/pip3-freeze.txt`,
    ),
    'greeting==1.1\n',
  );
  t.not((await rig.start(['pip']).ended).code, 0, 'what was only needed to build is gone');

  const before = index.requests.length;
  rig.write('requirements.txt', 'greeting==1.0\n');
  const again = await rig.start(['say']).ended;
  t.match(again, { code: 0, stdout: 'old\n' }, again.stderr.slice(-2000));
  t.ok(index.requests.length > before, 'another version was fetched');
  t.match(again.stderr, /Debian.*cached/, 'the base was not built again');
});
