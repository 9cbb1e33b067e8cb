// A small archive for apt, made of real Debian packages and some of our own: enough for the real mmdebstrap and
// the real apt. Releases are signed with keys made here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const ARCH = 'amd64';

const run = (program: string, words: readonly string[], cwd?: string): string =>
  execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...(cwd && { cwd }) });

/** What apt and dpkg of Debian 12 need to run, and nothing that the packages below replace. */
const REAL_PACKAGES = [
  // BusyBox's shell and env run its own applets whatever the PATH says.
  ...['dash', 'coreutils', 'debianutils', 'libattr1'],
  ...[
    'apt',
    'dpkg',
    'tar',
    'gpgv',
    'gcc-12-base',
    'libacl1',
    'libapt-pkg6.0',
    'libbz2-1.0',
    'libc6',
    'libcap2',
  ],
  ...[
    'libcrypt1',
    'libeatmydata1',
    'libffi8',
    'libgcc-s1',
    'libgcrypt20',
    'libgmp10',
    'libgnutls30',
    'libgpg-error0',
  ],
  ...[
    'libhogweed6',
    'libidn2-0',
    'liblz4-1',
    'liblzma5',
    'libmd0',
    'libnettle8',
    'libp11-kit0',
    'libpcre2-8-0',
  ],
  ...['libseccomp2', 'libselinux1', 'libstdc++6', 'libsystemd0', 'libtasn1-6', 'libunistring2', 'libxxhash0'],
  ...['libzstd1', 'zlib1g', 'libudev1'],
];

export interface OwnPackage {
  readonly name: string;
  /** Lines of the control file beyond the necessary ones. */
  readonly control?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly postinst?: string;
}

/** Calls chfn while it is configured, as systemd's package of xenial does; needs `makeRelease` to replace adduser by it. */
export const CALLS_CHFN: OwnPackage = {
  name: 'adduser',
  control: 'Essential: yes\nPriority: required\nPre-Depends: passwd',
  postinst: '/usr/bin/chfn -f x y\n',
};

/** As it is wherever PAM is not set up yet. */
const CHFN = '#!/bin/sh\necho "chfn: PAM: Critical error - immediate abort" >&2\nexit 1\n';
const ETC = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
};

function basePackages(codename: string): OwnPackage[] {
  const release = `DISTRIB_ID=Ubuntu\nDISTRIB_CODENAME=${codename}\n`;
  const required = 'Essential: yes\nPriority: required';
  return [
    {
      name: 'base-files',
      control: required,
      files: { ...ETC, 'etc/lsb-release': release },
    },
    { name: 'passwd', control: required, files: { 'usr/bin/chfn': CHFN } },
    { name: 'adduser', control: required },
    { name: 'libc-bin', control: required, files: { 'sbin/ldconfig': '#!/bin/sh\nexit 0\n' } },
    { name: 'debian-archive-keyring' },
    { name: 'libaudit1', files: {} },
    {
      name: 'locales',
      files: { 'usr/sbin/locale-gen': '#!/bin/sh\necho "$@" >> /etc/generated-locales\n' },
    },
  ];
}

function buildPackage(pool: string, own: OwnPackage): void {
  const root = mkdtempSync(join(tmpdir(), 'vagga-deb-'));
  try {
    for (const [path, text] of Object.entries(own.files ?? {})) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text, { mode: path.startsWith('etc/') ? 0o644 : 0o755 });
    }
    if (own.name === 'base-files') addBusybox(root, programsIn(pool));
    mkdirSync(join(root, 'DEBIAN'));
    const fields = `Package: ${own.name}\nVersion: 99.0\nArchitecture: ${ARCH}\nMaintainer: test <t@example.com>\n`;
    const control = own.control === undefined ? '' : `${own.control}\n`;
    writeFileSync(join(root, 'DEBIAN/control'), `${fields}${control}Description: test\n`);
    if (own.postinst !== undefined)
      writeFileSync(join(root, 'DEBIAN/postinst'), `#!/bin/sh\nset -e\n${own.postinst}`, { mode: 0o755 });
    run('dpkg-deb', ['-Zgzip', '--root-owner-group', '-b', root, join(pool, `${own.name}_99.0_${ARCH}.deb`)]);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function programsIn(pool: string): ReadonlySet<string> {
  const paths = readdirSync(pool).flatMap(file =>
    run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -t', 'sh', join(pool, file)]).split('\n'),
  );
  return new Set([...paths.map(path => path.split('/').at(-1) ?? ''), 'ldconfig', 'sh', 'adduser']);
}

/** For what no real package brings: `brought` are the names of their programs. */
function addBusybox(root: string, brought: ReadonlySet<string>): void {
  for (const directory of ['bin', 'tmp', 'root', 'var/tmp', 'proc', 'sys', 'dev', 'run', 'usr/bin'])
    mkdirSync(join(root, directory), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  const applets = run('/bin/busybox', ['--list']).trim().split('\n');
  for (const name of applets.filter(applet => applet !== 'busybox' && !brought.has(applet)))
    symlinkSync('busybox', join(root, 'bin', name));
}

/** An OpenPGP key in a directory of its own. */
export class SigningKey {
  readonly #home = mkdtempSync(join(tmpdir(), 'vagga-gpg-'));
  readonly fingerprint: string;

  constructor(name: string) {
    this.#gpg('--quick-generate-key', `${name} <${name}@example.com>`, 'rsa2048', 'sign', 'never');
    const listed = this.#gpg('--with-colons', '--fingerprint');
    this.fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? '';
  }

  #gpg(...words: readonly string[]): string {
    return run('gpg', ['--homedir', this.#home, '--batch', '--quiet', '--passphrase', '', ...words]);
  }

  get armored(): string {
    return this.#gpg('--armor', '--export', this.fingerprint);
  }

  clearsign(path: string, target: string): void {
    this.#gpg('--yes', '--output', target, '--clearsign', path);
  }

  remove(): void {
    run('gpgconf', ['--homedir', this.#home, '--kill', 'all']);
    rmSync(this.#home, { recursive: true, force: true });
  }
}

const digest = (kind: string, data: Buffer) => createHash(kind).update(data).digest('hex');

const sumLine = (name: string, data: Buffer) => ` ${digest('sha256', data)} ${data.length} ${name}\n`;

const COMPONENTS = ['main', 'restricted', 'universe'];

/** One archive: `dists` and `pool` below `root`. */
export class Archive {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  #pool(component: string): string {
    const pool = join(this.root, 'pool', component);
    mkdirSync(pool, { recursive: true });
    return pool;
  }

  addOwn(component: string, packages: readonly OwnPackage[]): void {
    for (const own of packages) buildPackage(this.#pool(component), own);
  }

  /** From the mirror of the machine itself. */
  addReal(component: string, names: readonly string[]): void {
    run('apt-get', ['download', '-qq', '-oAPT::Sandbox::User=root', ...names], this.#pool(component));
  }

  #stanza(component: string, file: string): string {
    const path = join(this.#pool(component), file);
    const data = readFileSync(path);
    const control = run('dpkg-deb', ['-f', path]).trim();
    const place = `Filename: pool/${component}/${file}\nSize: ${data.length}\nSHA256: ${digest('sha256', data)}`;
    return `${control}\n${place}\n\n`;
  }

  /** Writes the indexes of `suite`; components without packages in the pool are empty. */
  publish(suite: string, components: readonly string[], key: SigningKey, more = ''): void {
    const dists = join(this.root, 'dists', suite);
    const sums = components.map(component => {
      const files = readdirSync(this.#pool(component)).filter(name => name.endsWith('.deb'));
      const text = files.map(file => this.#stanza(component, file)).join('');
      const name = `${component}/binary-${ARCH}/Packages`;
      const packed = gzipSync(text);
      mkdirSync(dirname(join(dists, name)), { recursive: true });
      writeFileSync(join(dists, `${name}.gz`), packed);
      // apt looks for the name without suffix first, and never fetches what is not listed.
      return `${sumLine(name, Buffer.from(text))}${sumLine(`${name}.gz`, packed)}`;
    });
    const head = `Origin: Ubuntu\nLabel: Ubuntu\nSuite: ${suite}\nCodename: ${suite}\nDate: ${new Date().toUTCString()}\n`;
    const lists = `Architectures: ${ARCH}\nComponents: ${components.join(' ')}\nSHA256:\n`;
    writeFileSync(join(dists, 'Release'), `${head}${more}${lists}${sums.join('')}`);
    key.clearsign(join(dists, 'Release'), join(dists, 'InRelease'));
  }
}

/** An archive of one release with what a bootstrap needs; `more` comes on top of it, or in place of the same name. */
export function makeRelease(
  root: string,
  codename: string,
  key: SigningKey,
  more: { readonly main?: readonly OwnPackage[]; readonly universe?: readonly OwnPackage[] },
): void {
  const { main = [], universe = [] } = more;
  const archive = new Archive(root);
  archive.addReal('main', REAL_PACKAGES);
  const replaced = main.map(({ name }) => name);
  archive.addOwn('main', [...basePackages(codename).filter(({ name }) => !replaced.includes(name)), ...main]);
  archive.addOwn('universe', universe);
  archive.publish(codename, COMPONENTS, key);
}

/** Suites without packages beside it. */
export function makeEmpty(root: string, suites: readonly string[], key: SigningKey): void {
  const empty = new Archive(join(root, 'empty'));
  for (const suite of suites) {
    empty.publish(suite, COMPONENTS, key);
    cpSync(join(root, 'empty/dists', suite), join(root, 'dists', suite), { recursive: true });
  }
}

type Handler = (path: string) => Buffer | string | undefined;

/** A proxy that is itself every host it is asked for: `host[:port]` → what is there. */
export class AllHosts {
  readonly asked: string[] = [];
  readonly #server: Server;

  constructor(hosts: Readonly<Record<string, Handler>>) {
    this.#server = createServer((request, response) => {
      const { url = '' } = request;
      this.asked.push(url);
      const { host, pathname, search } = new URL(url, 'http://origin');
      const body = hosts[host]?.(`${decodeURIComponent(pathname)}${search}`);
      if (body === undefined) response.writeHead(404).end();
      else response.end(body);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', () => resolve()));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Files below `root` under the path `prefix`. */
export const filesBelow =
  (root: string, prefix: string): Handler =>
  path => {
    if (!path.startsWith(prefix)) return undefined;
    try {
      return readFileSync(join(root, path.slice(prefix.length)));
    } catch {
      return undefined;
    }
  };
