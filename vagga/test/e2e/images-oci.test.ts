// Containers as OCI images: the same bytes every time, and the same files in whatever takes them.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { treeLines } from '../archives/tree.ts';
import { PASSWORD, TestRegistry, TokenServer, USER } from './registry.ts';
import { Rig, until } from './rig.ts';
import { imageProject } from './rig-images.ts';

const SOAK = process.env.SUITE_SOAK === '1';
const scratch = mkdtempSync(join(tmpdir(), 'vagga-images-oci-'));
const conf = join(scratch, 'storage.conf');
writeFileSync(conf, `[storage]\ndriver = "vfs"\ngraphroot = "${scratch}/root"\nrunroot = "${scratch}/run"\n`);
const podmanEnvironment = { ...process.env, CONTAINERS_STORAGE_CONF: conf };
const rig = imageProject();

t.teardown(() => {
  spawnSync('podman', ['system', 'reset', '--force'], { env: podmanEnvironment });
  rmSync(scratch, { recursive: true, force: true });
  rig.remove();
});

function program(name: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(name, words, {
    cwd: rig.root,
    env: podmanEnvironment,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** For programs that ask a server of this very process. */
async function meanwhile(name: string, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(name, words, { cwd: rig.root, timeout: 60_000 });
  return stdout.trim();
}

function exported(...words: string[]): string {
  const { code, stdout, stderr } = rig.run('_export', '--oci', 'c', ...words);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** Every build empties these two when it ends: only their times may differ. */
const EMPTIED = /^(\/etc\/(?:hosts|resolv\.conf) .*) \d+$/;
const filesOf = (path: string): string[] =>
  treeLines(path, { times: true }).map(line => line.replace(EMPTIED, '$1'));
const original = (): string[] => filesOf(`${rig.root}/.vagga/c/.`);

/** What podman makes of it. The time of the top directory is its own. */
const inPodman = (image: string): string[] =>
  withoutTopTime(filesOf(program('podman', 'image', 'mount', image)));
/** Where there are several layers, its storage copies those below without them. */
const withoutAccessLists = (lines: string[]): string[] =>
  lines.map(line => line.replace(/system\.posix_acl_access=\S+ /, ''));
const withoutTopTime = ([top = '', ...rest]: string[]): string[] => [top.replace(/ \d+$/, ''), ...rest];

async function inPodmanRun(image: string, script: string): Promise<string> {
  const runtime = await probeRuntime(realProc);
  if (runtime.kind === 'none') throw new Error(runtime.message);
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--cgroups=disabled'];
  const words = ['run', '--rm', '--network=host', ...limits, image, '/bin/sh', '-c', script];
  const [podman = '', ...rest] = runtime.wrap(['podman', '--runtime', runtime.program, ...words]);
  return program(podman, ...rest);
}

/** What a container of ours that starts from it has. */
function inOurs(t: { teardown(work: () => void): void }, step: string, from: string): string[] {
  const other = new Rig();
  t.teardown(() => other.remove());
  program('cp', '-a', join(rig.root, from), join(other.root, 'image'));
  other.write('vagga.yaml', `containers:\n  c:\n    setup:\n    - ${step}\n`);
  const { code, stderr } = other.run('_build', 'c');
  if (code !== 0) throw new Error(stderr);
  return filesOf(`${other.root}/.vagga/c/.`);
}

t.test('_export --oci: the same root gives the same bytes; skopeo takes layout and archive', t => {
  const digest = exported('layout');
  t.match(digest, /^sha256:[0-9a-f]{64}$/);
  t.equal(exported('one.tar'), digest);
  t.equal(exported('two.tar', '--tag', 'c:latest'), digest);
  t.ok(readFileSync(join(rig.root, 'one.tar')).equals(readFileSync(join(rig.root, 'two.tar'))));
  t.equal(exported('layout'), digest, 'an older layout is replaced');
  for (const source of ['oci:layout', 'oci:layout:c:latest', 'oci-archive:one.tar']) {
    const inspected = JSON.parse(program('skopeo', 'inspect', source));
    t.equal(inspected.Digest, digest, source);
    t.same(inspected.Env, [
      'LANG=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  }
  for (const [how, type] of [
    ['zstd', /\+zstd$/],
    ['none', /\.tar$/],
  ] as const) {
    exported('other', '--compress', how);
    const { layers } = JSON.parse(program('skopeo', 'inspect', '--raw', 'oci:other'));
    t.match(layers[0].mediaType, type);
  }
  const wrong = rig.run('_export', 'c', 'x', '--compress', 'lzma');
  t.equal(wrong.code, 122);
  const busy = rig.run('_export', 'c', 'base/../.vagga');
  t.equal(busy.code, 121);
  t.match(busy.stderr, /exists and is no image layout/);
  t.same(
    rig.list('.').filter(name => /\.(new|layout|tmp)/.test(name)),
    [],
  );
  t.end();
});

t.test(
  '_export --docker-archive: podman, skopeo and we read the same image, the same bytes every time',
  t => {
    const archive = (file: string, ...words: string[]) => {
      const { code, stdout, stderr } = rig.run('_export', '--docker-archive', file, 'c', ...words);
      t.equal(code, 0, stderr);
      return stdout.trim();
    };
    const id = archive('docker.tar');
    t.equal(archive('again.tar', '--tag', 'c'), id);
    t.ok(readFileSync(join(rig.root, 'docker.tar')).equals(readFileSync(join(rig.root, 'again.tar'))));
    t.same(program('tar', '-tf', 'docker.tar').split('\n').slice(0, 2), [
      'manifest.json',
      `${id.slice('sha256:'.length)}.json`,
    ]);
    const inspected = JSON.parse(program('skopeo', 'inspect', '--config', 'docker-archive:docker.tar'));
    t.same(inspected.config.Cmd, ['/bin/sh']);
    program('skopeo', 'copy', '-q', 'docker-archive:docker.tar:c:latest', 'oci:fromdocker');
    t.same(inOurs(t, '!OciImage {layout: ./image}', 'fromdocker'), original(), 'through skopeo');
    t.same(inOurs(t, '!OciImage {archive: image}', 'docker.tar'), original(), 'read by us');
    archive('layers.tar', '--layers', '--tag', 'localhost:5000/team/c:2');
    t.match(program('podman', 'load', '-q', '-i', 'layers.tar'), /localhost:5000\/team\/c:2/);
    t.same(inPodman('localhost:5000/team/c:2'), withoutAccessLists(withoutTopTime(original())));
    t.same(inOurs(t, '!OciImage {archive: image, image: "c:2"}', 'layers.tar'), original());
    program('podman', 'load', '-q', '-i', 'docker.tar');
    t.equal(
      program('podman', 'image', 'inspect', '--format', '{{.Id}}', 'c:latest'),
      id.slice(7),
      'its id is what we print',
    );
    const wrong = (...words: string[]) => rig.run('_export', '--docker-archive', 'x.tar', 'c', ...words);
    for (const words of [
      ['y.tar'],
      ['--oci'],
      ['--compress', 'gzip'],
      ['--tag', 'UPPER'],
      ['--tag', `c@${id}`],
    ])
      t.equal(wrong(...words).code, 122, words.join(' '));
    t.notOk(rig.has('x.tar'));
    t.end();
  },
);

t.test('_export, _push_oci, §4.4 _pack_image: interrupted or failed, nothing is left', async t => {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  // The real program behind a gate: it tells that it was started, and goes on when it is told to.
  const gate = (name: string) => join(scratch, name);
  program('mkfifo', gate('go'));
  const script = `#!/bin/sh\n: >'${gate('started')}'\nread -r word <'${gate('go')}' && [ "$word" = go ] && exec /usr/bin/zstd "$@"\n`;
  writeFileSync(join(bin, 'zstd'), script, { mode: 0o755 });
  const slow = { PATH: `${bin}:${process.env.PATH}` };
  const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
  const files = () => [...rig.list('.'), ...rig.list(`.vagga/.roots/c.${short}`)];
  exported('kept');
  const before = files();
  const keptIndex = rig.read('kept/index.json');
  const commands = [
    ['_export', 'c', 'out.tar', '--compress', 'zstd'],
    ['_export', 'c', 'out', '--compress', 'zstd'],
    ['_export', 'c', 'kept', '--compress', 'zstd', '--layers'],
    ['_pack_image', '--zstd', '-f', 'out.tar', 'c'],
    ['_push_oci', '--compress', 'zstd', 'c', '127.0.0.1:1/c:1'],
  ];
  const begun = async (words: string[]) => {
    rmSync(gate('started'), { force: true });
    const running = rig.start(words, slow);
    await until(() => existsSync(gate('started')), `${words.join(' ')} compresses`);
    return running;
  };
  for (const [index, words] of commands.entries()) {
    const running = await begun(words);
    t.ok(files().length > before.length, `${words.join(' ')}: something is in the making`);
    running.child.kill(index % 2 === 0 ? 'SIGINT' : 'SIGTERM');
    t.match(await running.ended, { code: index % 2 === 0 ? 130 : 143, stdout: '' }, words.join(' '));
    t.same(files(), before, words.join(' '));
  }
  for (const words of commands) {
    const running = await begun(words);
    writeFileSync(gate('go'), 'stop\n');
    t.match(await running.ended, { code: 121, stderr: /zstd failed/ }, words.join(' '));
    t.same(files(), before, words.join(' '));
  }
  t.equal(rig.read('kept/index.json'), keptIndex, 'an older layout stays until the new one is whole');
  const killed = await begun(['_export', 'c', 'out.tar', '--compress', 'zstd']);
  killed.child.kill('SIGKILL');
  await killed.ended;
  t.not(files().length, before.length, 'a killed one cannot clean up');
  const going = await begun(['_export', 'c', 'out.tar', '--compress', 'zstd']);
  writeFileSync(gate('go'), 'go\n');
  t.equal((await going.ended).code, 0, going.stderr);
  t.same(
    files().filter(name => name !== 'out.tar'),
    before,
    'the next one does',
  );
  t.ok(rig.has('out.tar'));
});

t.test('_export --oci: built again on another day, the same image with SOURCE_DATE_EPOCH', t => {
  const epoch = { SOURCE_DATE_EPOCH: '1700000000' };
  const first = rig.runWith(epoch, '_export', 'c', 'first.tar');
  t.equal(first.code, 0, first.stderr);
  const before = original().length;
  rmSync(join(rig.root, '.vagga'), { recursive: true });
  const second = rig.runWith(epoch, '_export', 'c', 'second.tar');
  t.match(second.stderr, /built/, 'really built');
  t.equal(original().length, before);
  t.equal(second.stdout, first.stdout);
  t.ok(readFileSync(join(rig.root, 'first.tar')).equals(readFileSync(join(rig.root, 'second.tar'))));
  const { Created } = JSON.parse(program('skopeo', 'inspect', 'oci-archive:first.tar'));
  t.equal(Created, '2023-11-14T22:13:20Z');
  t.not(exported('third.tar'), first.stdout.trim(), 'without it times count');
  t.end();
});

t.test('_export --oci --layers: a layer for each step, and what steps remove is removed', t => {
  const digest = exported('layered', '--layers');
  t.equal(exported('layered.tar', '--layers'), digest);
  const { history } = JSON.parse(program('skopeo', 'inspect', '--config', 'oci:layered'));
  const titles = history.map((one: { created_by: string }) => one.created_by);
  t.match(titles.join('\n'), /OciImage.*Sh.*Sh/s);
  program('podman', 'load', '-q', '-i', 'layered.tar');
  t.same(inPodman('localhost/c:latest'), withoutAccessLists(withoutTopTime(original())));
  program('podman', 'rmi', '-f', 'localhost/c:latest');
  t.same(inOurs(t, '!OciImage {layout: ./image}', 'layered'), original());
  t.end();
});

t.test('row h: podman runs what we export; through a registry skopeo and we get the same files', async t => {
  exported('c.tar');
  program('podman', 'load', '-q', '-i', 'c.tar');
  t.same(inPodman('localhost/c:latest'), withoutTopTime(original()));
  const look = 'echo $LANG; pwd; /bin/busybox cat /second';
  t.equal(await inPodmanRun('localhost/c:latest', look), 'C.UTF-8\n/work\nsecond');

  const registry = await TestRegistry.start(join(scratch, 'registry'), { kind: 'none' });
  t.teardown(() => registry.stop());
  program(
    'skopeo',
    'copy',
    '-q',
    '--dest-tls-verify=false',
    'oci-archive:c.tar',
    `docker://${registry.host}/c:1`,
  );
  program('skopeo', 'copy', '-q', '--src-tls-verify=false', `docker://${registry.host}/c:1`, 'oci:pulled');
  const wanted = original();
  t.same(inOurs(t, `!OciImage "${registry.host}/c:1"`, 'pulled'), wanted, 'pulled by us');
  t.same(inOurs(t, '!OciImage {layout: ./image}', 'pulled'), wanted, 'pulled by skopeo');
});

t.test('_export --oci: by an ordinary user, with the owners that the container sees', t => {
  const theirs = imageProject('user');
  t.teardown(() => theirs.remove());
  const done = theirs.run('_export', '--oci', 'c', 'c.tar');
  t.equal(done.code, 0, done.stderr);
  program('podman', 'load', '-q', '-i', join(theirs.root, 'c.tar'));
  // Built by itself, so at another time, and only root can make devices.
  const withoutTimes = { without: ['/dev/null'] };
  const mounted = program('podman', 'image', 'mount', 'localhost/c:latest');
  t.same(treeLines(mounted, withoutTimes), treeLines(`${rig.root}/.vagga/c/.`, withoutTimes));
  exported('ours.tar');
  program('cp', 'ours.tar', join(theirs.root, 'ours.tar'));
  theirs.write('vagga.yaml', 'containers:\n  again:\n    setup:\n    - !OciImage {archive: ours.tar}\n');
  const again = theirs.run('_export', 'again', 'again.tar');
  t.equal(again.code, 0, again.stderr);
  program('podman', 'load', '-q', '-i', join(theirs.root, 'again.tar'));
  const devices = / device \d+ /;
  t.same(
    inPodman('localhost/again:latest'),
    withoutTopTime(original()).filter(line => !devices.test(line)),
    'taken by an ordinary user and given on: the same but for devices',
  );
  const log = theirs.run('_build', '--force', 'again');
  t.match(log.stderr, /Warning: container again: 1 device of the image left out/);
  t.end();
});

t.test(
  '_push_oci: with a token, by layers, with the list of packages; what is there is not sent again',
  async t => {
    const directory = mkdtempSync(join(scratch, 'tokens-'));
    const tokens = new TokenServer(directory);
    const realm = await tokens.start();
    t.teardown(() => tokens.stop());
    const registry = await TestRegistry.start(directory, { kind: 'token', realm });
    t.teardown(() => registry.stop());
    const image = `${registry.host}/team/c:1`;
    const push = (environment: Record<string, string>, ...words: string[]) =>
      rig.start(['_push_oci', 'c', ...words], environment).ended;
    const stranger = await push({ REGISTRY_AUTH_FILE: join(directory, 'none.json') }, image);
    t.equal(stranger.code, 121);
    t.match(stranger.stderr, /refuses access \(401\); log in with: podman login 127/);
    const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
    const authFile = join(directory, 'auth.json');
    writeFileSync(authFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const known = { REGISTRY_AUTH_FILE: authFile };
    const pushed = await push(known, '--layers', '--sbom', image);
    t.equal(pushed.code, 0, pushed.stderr);
    t.match(pushed.stderr, /layer 1 of \d+: .* MiB sent\n.*list of packages: sent/s);
    t.match(tokens.asked.join('\n'), /user repository:team\/c:pull,push|user repository:team\/c:push,pull/);
    const again = await push(known, '--layers', image);
    t.equal(again.stdout, pushed.stdout);
    t.notMatch(again.stderr, /MiB sent/);
    t.match(again.stderr, /is there already/);
    const from = ['--authfile', authFile, '--tls-verify=false'];
    const digest = pushed.stdout.trim();
    t.equal(JSON.parse(await meanwhile('skopeo', 'inspect', ...from, `docker://${image}`)).Digest, digest);
    const list = await meanwhile(
      'skopeo',
      'inspect',
      '--raw',
      ...from,
      `docker://${registry.host}/team/c:${digest.replace(':', '-')}`,
    );
    const [referrer, ...others] = JSON.parse(list).manifests;
    t.same(others, []);
    t.equal(referrer.artifactType, 'application/spdx+json');
    const document = JSON.parse(
      await meanwhile(
        'skopeo',
        'inspect',
        '--raw',
        ...from,
        `docker://${registry.host}/team/c@${referrer.digest}`,
      ),
    );
    t.equal(document.subject.digest, digest);
    await meanwhile(
      'skopeo',
      'copy',
      '-q',
      '--src-authfile',
      authFile,
      '--src-tls-verify=false',
      `docker://${image}`,
      'oci:fetched',
    );
    const wanted = original();
    t.same(inOurs(t, '!OciImage {layout: ./image}', 'fetched'), wanted);
    const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
    t.notMatch(rig.list(`.vagga/.roots/c.${short}`).join(), /oci/, 'nothing stays beside the image');
    for (const wrong of [`${registry.host}/UPPER`, `${image}@sha256:${'0'.repeat(64)}@`])
      t.equal((await push(known, wrong)).code, 122);
  },
);

// Some hundred megabytes: only in the long runs.
if (SOAK)
  t.test('row h: a whole Debian in podman, and through a registry in ours', async t => {
    const debian = new Rig();
    t.teardown(() => debian.remove());
    debian.write('vagga.yaml', 'containers:\n  c:\n    setup:\n    - !Debian bookworm\n');
    const done = debian.run('_export', '--oci', 'c', 'c.tar', '--tag', 'debian:whole');
    t.equal(done.code, 0, done.stderr);
    const root = `${debian.root}/.vagga/c/.`;
    program('podman', 'load', '-q', '-i', join(debian.root, 'c.tar'));
    t.same(inPodman('localhost/debian:whole'), withoutTopTime(filesOf(root)));
    t.match(await inPodmanRun('localhost/debian:whole', 'dpkg --audit && cat /etc/debian_version'), /^12\./);
    const registry = await TestRegistry.start(mkdtempSync(join(scratch, 'whole-')), { kind: 'none' });
    t.teardown(() => registry.stop());
    const pushed = debian.run('_push_oci', 'c', `${registry.host}/debian:whole`);
    t.equal(pushed.stdout, done.stdout, pushed.stderr);
    program(
      'skopeo',
      'copy',
      '-q',
      '--src-tls-verify=false',
      `docker://${registry.host}/debian:whole`,
      'oci:whole',
    );
    t.same(inOurs(t, `!OciImage "${registry.host}/debian:whole"`, 'whole'), filesOf(root), 'pulled by us');
    t.same(inOurs(t, '!OciImage {layout: ./image}', 'whole'), filesOf(root), 'pulled by skopeo');
    t.match(filesOf(root).join('\n'), /\/dev\/null 666 0:0 device 259 /, 'devices are among them');
  });
