// What steps fetch and unpack, in real builds: local archives, a local HTTP server, git over HTTP and from files.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { tarGz, zip } from '../archives/make.ts';
import { Rig, Running, until } from './rig.ts';

const rig = new Rig();
const SERVED = join(rig.root, 'served');
const REPOSITORY = join(SERVED, 'repo.git');
let asked: string[] = [];
let base = '';

/** git's own server program, as a web server runs it. */
function gitBackend(request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: SERVED,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    },
  });
  request.pipe(child.stdin);
  const parts: Buffer[] = [];
  child.stdout.on('data', part => parts.push(part));
  child.on('close', () => {
    const all = Buffer.concat(parts);
    const end = all.indexOf('\r\n\r\n');
    const lines = all.subarray(0, end).toString().split('\r\n');
    const headers = lines.map(line => line.split(': ') as [string, string]);
    const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.end(all.subarray(end + 4));
  });
}

const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  if (request.url?.includes('repo.git')) gitBackend(request, response);
  else {
    try {
      response.end(readFileSync(join(SERVED, request.url ?? '')));
    } catch {
      response.writeHead(404).end();
    }
  }
});

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main'];
  const found = spawnSync('git', ['-C', join(rig.root, 'origin'), ...identity, ...words], {
    encoding: 'utf8',
  });
  if (found.status !== 0) throw new Error(found.stderr);
  return found.stdout.trim();
}

function commit(name: string, text: string): string {
  writeFileSync(join(rig.root, 'origin', name), text);
  git('add', '-A');
  git('commit', '-q', '-m', name);
  return git('rev-parse', 'HEAD');
}

const push = () => git('push', '-q', '--mirror', REPOSITORY);
const BASE = `    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox}
    - !Copy {source: /work/busybox, path: /bin/sh}
`;

/** Container `c` with these steps. */
function config(...steps: string[]): void {
  rig.write(
    'vagga.yaml',
    `containers:\n  c:\n    setup:\n${BASE}${steps.map(step => `    - ${step}\n`).join('')}`,
  );
}

/** The server is in this process, so the build must not block it. */
async function build(...words: string[]) {
  return await rig.start([...words, '_build', 'c']).ended;
}

const image = (path: string): string => rig.read(`.vagga/c/${path}`);

t.before(async () => {
  mkdirSync(SERVED);
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  mkdirSync(join(rig.root, 'origin'));
  git('init', '-q');
  commit('file', 'one\n');
  git('tag', '-a', 'v1.0', '-m', 'first');
  spawnSync('git', ['init', '-q', '--bare', '-b', 'main', REPOSITORY]);
  push();
});
t.teardown(() => {
  server.close();
  server.closeAllConnections();
  rig.remove();
});

t.test(
  '§2.3 !Tar, §2.3 !Unzip, §2.3 !Download, §2.3 urls, §2.3 checksums: from the project and a server',
  async t => {
    const archive = tarGz(
      { name: 'app/', type: '5', mode: 0o755 },
      { name: 'app/tool', mode: 0o755, data: 'tool', uid: 1234 },
      { name: 'etc/hosts', data: 'overwritten' },
    );
    writeFileSync(join(SERVED, 'a.tgz'), archive);
    rig.write('b.zip', '');
    writeFileSync(
      join(rig.root, 'b.zip'),
      zip([
        { name: 'dir/x', data: 'zipped', mode: 0o100755 },
        { name: 'y', data: '' },
      ]),
    );
    writeFileSync(join(SERVED, 'one.txt'), 'downloaded');
    const sha = createHash('sha256').update(archive).digest('hex');
    config(
      `!Tar {url: "${base}/a.tgz", sha256: ${sha}}`,
      `!Tar {url: "${base}/a.tgz", sha256: ${sha.slice(0, 10)}, path: /opt/x, subdir: app}`,
      '!Unzip {url: ./b.zip, subdir: dir, path: /opt/z}',
      `!Download {url: "${base}/one.txt", path: /etc/one.txt, mode: 0o600}`,
      `!Download {url: "${base}/one.txt", path: /work/fetched.txt}`,
    );
    const built = await build();
    t.equal(built.code, 0, built.stderr);
    t.equal(image('app/tool'), 'tool');
    t.equal(image('opt/x/tool'), 'tool');
    t.equal(
      lstatSync(join(rig.root, '.vagga/c/app/tool')).uid,
      process.getuid?.(),
      'owners of archives do not count',
    );
    t.equal(image('opt/z/x'), 'zipped');
    t.equal(lstatSync(join(rig.root, '.vagga/c/opt/z/x')).mode & 0o777, 0o755);
    t.equal(image('etc/one.txt'), 'downloaded');
    t.equal(lstatSync(join(rig.root, '.vagga/c/etc/one.txt')).mode & 0o777, 0o600);
    t.equal(image('etc/hosts'), '', 'the end of the build empties it');
    t.equal(rig.read('fetched.txt'), 'downloaded', '/work is the project');
    t.same(
      rig
        .list('.vagga/.cache/downloads')
        .filter(name => !name.endsWith('.lock'))
        .sort(),
      [
        `${createHash('sha256').update(`${base}/one.txt`).digest('hex').slice(0, 8)}-one.txt`,
        `${sha.slice(0, 8)}-a.tgz`,
      ].sort(),
    );
    t.same(asked, ['/a.tgz', '/one.txt'], 'each fetched once');
  },
);

t.test('§2.3 checksums, §2.3 !Unzip: failures name what is wrong', async t => {
  config('!Tar {url: ./b.zip}');
  t.match((await build()).stderr, /step !Tar .* failed: unexpected compression/);
  config('!Unzip {url: ./b.zip, subdir: ./dir2}');
  const missing = await build();
  t.equal(missing.code, 121);
  t.match(missing.stderr, '"./dir2" is not found in archive');
  config(`!Download {url: "${base}/one.txt", path: /one, sha256: 0123456789}`);
  const wrong = await build();
  t.equal(wrong.code, 121);
  t.match(wrong.stderr, /Hashsum mismatch: expected 0123456789 but was [0-9a-f]{64}/);
  config('!Tar {url: /volumes/nowhere/a.tgz}');
  t.match((await build()).stderr, /failed: external volume "nowhere" is not defined in the settings/);
  writeFileSync(join(SERVED, 'login.tgz'), '<html>Welcome to the network of this hotel</html>');
  config(`!Tar {url: "${base}/login.tgz"}`);
  t.match((await build()).stderr, /unexpected compression: .*; what http.*login\.tgz sent is not kept/);
  writeFileSync(join(SERVED, 'login.tgz'), tarGz({ name: 'here', data: '' }));
  t.equal((await build()).code, 0, 'nor in the way of the archive');
  config(`!Download {url: "${base}/none", path: /one}`);
  t.match(
    (await build()).stderr,
    /Error downloading file ".*-none" from \["http.*none"\]: the server answered 404/,
  );
  config('!Download {url: "ftp://x/y", path: /one}');
  t.match((await build()).stderr, /url starts with http/);
  config(`!Download {url: ./b.zip, path: /no/where}`);
  t.match((await build()).stderr, /\/no does not exist in the image: create it with !EnsureDir/);
});

t.test('§2.3 !TarInstall: the script runs in the only directory, or in subdir', async t => {
  writeFileSync(
    join(SERVED, 'src.tgz'),
    tarGz(
      { name: '.hidden', data: '' },
      { name: 'pkg-1/configure', mode: 0o755, data: '#!/bin/sh\necho "configured $1" > /bin/result\n' },
      { name: 'pkg-1/sub/here', data: '' },
    ),
  );
  config(
    `!TarInstall {url: "${base}/src.tgz", script: ./configure --prefix=/usr}`,
    `!TarInstall {url: "${base}/src.tgz", subdir: pkg-1/sub, script: "/bin/busybox pwd > /bin/where"}`,
  );
  const built = await build();
  t.equal(built.code, 0, built.stderr);
  t.equal(image('bin/result'), 'configured --prefix=/usr\n');
  t.match(image('bin/where'), /^\/tmp\/[0-9a-f]{8}-src\.tgz\/pkg-1\/sub\n$/);
  t.same(rig.list('.vagga/c/tmp'), [], 'nothing stays');
  writeFileSync(join(SERVED, 'two.tgz'), tarGz({ name: 'a', data: '' }, { name: 'b', data: '' }));
  config(`!TarInstall {url: "${base}/two.tgz"}`);
  t.match((await build()).stderr, /Multiple entries in the root of the tar archive: set `subdir: "\."`/);
  writeFileSync(join(SERVED, 'empty.tgz'), tarGz());
  config(`!TarInstall {url: "${base}/empty.tgz"}`);
  t.match((await build()).stderr, /Tar archive was empty/);
});

t.test(
  '§2.5 !Git, §9 git: branches advance, revisions stay, containers do not disturb each other',
  async t => {
    const url = `${base}/repo.git`;
    const first = git('rev-parse', 'HEAD');
    config(`!Git {url: "${url}", path: /src}`, `!Git {url: "${url}", path: /old, revision: ${first}}`);
    const built = await build();
    t.equal(built.code, 0, built.stderr);
    t.equal(image('src/file'), 'one\n');
    t.notOk(rig.has('.vagga/c/src/.git'), 'only the files');
    t.same(rig.list('.vagga/.cache/git'), [url.replaceAll('/', '%2F')]);
    git('checkout', '-q', '-b', 'side');
    commit('side', 'side\n');
    git('checkout', '-q', 'main');
    commit('file', 'two\n');
    push();
    config(
      `!Git {url: "${url}", path: /side, branch: side}`,
      `!Git {url: "${url}", path: /old, revision: ${first}}`,
      `!Git {url: "${url}", path: /tag, revision: v1.0}`,
      `!Git {url: "${url}", path: /src}`,
    );
    const again = await build();
    t.equal(again.code, 0, again.stderr);
    t.equal(image('src/file'), 'two\n', 'the default branch has advanced, whatever was checked out before');
    t.equal(image('side/side'), 'side\n');
    t.equal(image('old/file'), 'one\n');
    t.equal(image('tag/file'), 'one\n');
    asked = [];
    t.equal((await build('--no-network')).code, 0);
    config(`!Git {url: "${url}", path: /old, revision: ${first}}`, '!Text {/x: y}');
    t.equal((await build()).code, 0);
    t.same(asked, [], 'a commit that is there needs no server');
    config(`!Git {url: "${url}", path: /x, branch: nowhere}`);
    t.match((await build()).stderr, /branch "nowhere" is not in http/);
    config('!Git {url: "--upload-pack=touch /tmp/x", path: /x}');
    t.match((await build()).stderr, /url cannot be "--upload/);
  },
);

t.test('§2.5 !GitInstall: from a repository in files', async t => {
  spawnSync('git', ['clone', '-q', REPOSITORY, join(rig.root, 'nested')]);
  config(
    '!GitInstall {url: /work/nested, script: "/bin/busybox cat file > /bin/result"}',
    '!GitInstall {url: file:///work/nested, branch: main, subdir: ., script: "/bin/busybox pwd > /bin/where"}',
  );
  const built = await build();
  t.equal(built.code, 0, built.stderr);
  t.equal(image('bin/result'), 'two\n');
  t.equal(image('bin/where'), '/tmp/file:%2F%2F%2Fwork%2Fnested\n');
  rmSync(join(rig.root, 'nested'), { recursive: true });
});

t.test('§2.5 !GitDescribe: the description of the project, and of its tags only', async t => {
  spawnSync('git', ['clone', '-q', REPOSITORY, join(rig.root, 'nested')]);
  const nested = (...words: string[]) =>
    spawnSync('git', ['-C', join(rig.root, 'nested'), '-c', 'user.name=T', '-c', 'user.email=t@x', ...words]);
  nested('tag', '-a', 'other-2', '-m', 'x');
  config(
    '!EnsureDir /etc',
    '!GitDescribe {repo: /work/nested, output-file: /etc/any}',
    '!GitDescribe {repo: /work/nested, pattern: "v*", output-file: /etc/version}',
  );
  const built = await build();
  t.equal(built.code, 0, built.stderr);
  t.equal(image('etc/any'), 'other-2', 'no newline');
  t.match(image('etc/version'), /^v1\.0-1-g[0-9a-f]{7,}$/);
  rmSync(join(rig.root, 'nested'), { recursive: true });
});

t.test('a local archive that changed is unpacked again, also with the step cache', async t => {
  const text = '!Text {/x: y}';
  writeFileSync(join(rig.root, 'l.tgz'), tarGz({ name: 'l', data: 'one' }));
  config('!Tar {url: ./l.tgz}');
  t.equal((await build()).code, 0);
  writeFileSync(join(rig.root, 'l.tgz'), tarGz({ name: 'l', data: 'two' }));
  config('!Tar {url: ./l.tgz}', text);
  t.equal((await build()).code, 0);
  t.equal(image('l'), 'two');
  rmSync(join(rig.root, 'fetched.txt'));
  config(`!Download {url: "${base}/one.txt", path: /work/fetched.txt}`, '!Unzip {url: ./b.zip}');
  t.equal((await build()).code, 0);
  t.equal(rig.read('fetched.txt'), 'downloaded', 'what goes to the project is not in the cache');
});

t.test('§1.4 image-cache-url, §4.2 --no-image-download: a finished image in place of a build', async t => {
  const cached = (url: string, text: string) =>
    rig.write(
      'vagga.yaml',
      `containers:\n  c:\n    image-cache-url: "${url}"\n    setup:\n${BASE}    - !Text {/made: "${text}"}\n    - !Sh /bin/busybox chown 12:34 /made\n`,
    );
  const name = '$' + '{container_name}.$' + '{short_hash}.tar.xz';
  cached(`${base}/${name}`, 'here');
  const first = await build();
  t.equal(first.code, 0, first.stderr);
  t.match(first.stderr, /Error when unpacking image: .*\. Will clean and build it locally\.\.\.\n/);
  const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
  // As _push_image would: the marker shows later that it was not built.
  const root = join(rig.root, `.vagga/.roots/c.${short}/root`);
  writeFileSync(join(root, 'marker'), 'pushed');
  const pack = spawnSync('tar', ['-cJf', join(SERVED, `c.${short}.tar.xz`), '-C', root, '.'], {
    encoding: 'utf8',
  });
  t.equal(pack.status, 0, pack.stderr);
  const forget = () => rmSync(join(rig.root, '.vagga/.roots'), { recursive: true });
  forget();
  asked = [];
  const second = await build();
  t.equal(second.code, 0, second.stderr);
  t.equal(image('marker'), 'pushed');
  const { uid, gid } = lstatSync(join(rig.root, '.vagga/c/made'));
  t.same([uid, gid], [12, 34], 'owners are kept');
  t.same(asked, [`/c.${short}.tar.xz`]);
  t.notMatch(rig.list('.vagga/.cache/downloads').join(), /tar\.xz(?!\.lock)/, 'the download does not stay');
  t.equal((await build()).stderr, '', 'and it is up to date');
  forget();
  t.equal((await build('--no-image-download')).code, 0);
  t.notOk(rig.has('.vagga/c/marker'));
  mkdirSync(join(rig.root, 'images'));
  copyFileSync(join(SERVED, `c.${short}.tar.xz`), join(rig.root, `images/c.${short}.tar.xz`));
  cached(`./images/${name}`, 'here');
  forget();
  t.equal((await build()).code, 0);
  t.equal(image('marker'), 'pushed', 'from the project; the address is not part of the identity');
  t.ok(rig.has(`images/c.${short}.tar.xz`), 'a file of the project stays');
  forget();
  writeFileSync(join(rig.root, `images/c.${short}.tar.xz`), 'damaged');
  const damaged = await build();
  t.equal(damaged.code, 0);
  t.match(damaged.stderr, /Error when unpacking image/);
  t.equal(image('made'), 'here');
});

/** Programs of this machine and their libraries, as a step that unpacks them. */
function hostPrograms(...programs: string[]): string {
  const libraries = programs.flatMap(program =>
    [...spawnSync('ldd', [program], { encoding: 'utf8' }).stdout.matchAll(/(\/\S+) \(/g)].map(
      match => match[1] ?? '',
    ),
  );
  const files = [...programs, ...new Set(libraries)];
  const packed = spawnSync('tar', ['-czhf', join(rig.root, 'programs.tgz'), ...files], { encoding: 'utf8' });
  if (packed.status !== 0) throw new Error(packed.stderr);
  return '!Tar {url: ./programs.tgz}';
}

t.test('§2.5 !Git, §2.5 !GitInstall: by the git of the image where the machine has none', async t => {
  const url = `${base}/repo.git`;
  // A machine without git: what hides it is gone with the namespace of this one command.
  const words = [process.execPath, join(process.env.SUITE_ROOT ?? '', 'vagga/bin/vagga.cjs'), '_build', 'c'];
  const hidden = 'for git in /usr/bin/git /bin/git; do mount --bind /dev/null $git; done; exec "$@"';
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const withoutGit = () =>
    new Running(spawn('unshare', ['--mount', 'sh', '-c', hidden, 'sh', ...words], { cwd: rig.root, env }))
      .ended;
  rmSync(join(rig.root, '.vagga/.cache/git'), { recursive: true });
  config(`!Git {url: "${url}", path: /elsewhere}`);
  t.match(
    (await withoutGit()).stderr,
    /git is needed: install it on this machine \(apt-get install -y git\)/,
  );
  const script = 'script: "/bin/busybox cat file > /bin/result"';
  config(
    hostPrograms('/usr/bin/git', '/usr/lib/git-core/git-remote-http'),
    `!Git {url: "${url}", path: /src, branch: side}`,
    `!GitInstall {url: "${url}", ${script}}`,
  );
  const built = await withoutGit();
  t.equal(built.code, 0, built.stderr);
  t.equal(image('src/side'), 'side\n');
  t.equal(image('bin/result'), 'two\n');
  t.same(rig.list('.vagga/.cache/git'), [url.replaceAll('/', '%2F')], 'the same cache');
  t.notOk(rig.has('.vagga/c/tmp/.vagga-git'));
});

t.test('the ssh-agent of the caller, only where the settings of the user allow it', async t => {
  const socket = join(rig.root, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  t.teardown(() => agent.kill());
  await until(() => rig.has('agent'), 'the agent listens');
  const key = join(rig.root, 'key');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'of the caller', '-f', key]);
  const env = { SSH_AUTH_SOCK: socket };
  spawnSync('ssh-add', ['-q', key], { env: { ...process.env, ...env } });
  const look = (mark: string) => `!Sh "ssh-add -l > /bin/keys || true; echo ${mark}"`;
  config(hostPrograms('/usr/bin/ssh-add'), look('without'));
  const without = await rig.start(['_build', 'c'], env).ended;
  t.equal(without.code, 0, without.stderr);
  t.equal(image('bin/keys'), '');
  config(hostPrograms('/usr/bin/ssh-add'), look('with'));
  const allowed = await rig.start(['_build', 'c'], { ...env, VAGGA_SETTINGS: 'ssh-agent: true' }).ended;
  t.equal(allowed.code, 0, allowed.stderr);
  t.match(image('bin/keys'), / of the caller \(ED25519\)\n$/);
  t.same(rig.list('.vagga/c/run'), [], 'nothing of it stays');
});
