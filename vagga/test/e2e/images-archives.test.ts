// Other forms of an exported image: as docker save writes it, with its list of packages; and exports that end in the middle.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestRegistry } from './registry.ts';
import { until } from './rig.ts';
import { PodmanRig, withoutAccessLists, withoutTopTime } from './rig-podman.ts';

const podman = new PodmanRig();
const { rig, scratch } = podman;
t.teardown(() => podman.remove());

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
    t.same(podman.program('tar', '-tf', 'docker.tar').split('\n').slice(0, 2), [
      'manifest.json',
      `${id.slice('sha256:'.length)}.json`,
    ]);
    const inspected = JSON.parse(
      podman.program('skopeo', 'inspect', '--config', 'docker-archive:docker.tar'),
    );
    t.same(inspected.config.Cmd, ['/bin/sh']);
    podman.program('skopeo', 'copy', '-q', 'docker-archive:docker.tar:c:latest', 'oci:fromdocker');
    t.same(
      podman.inOurs(t, '!OciImage {layout: ./image}', 'fromdocker'),
      podman.original(),
      'through skopeo',
    );
    t.same(podman.inOurs(t, '!OciImage {archive: image}', 'docker.tar'), podman.original(), 'read by us');
    archive('layers.tar', '--layers', '--tag', 'localhost:5000/team/c:2');
    t.match(podman.program('podman', 'load', '-q', '-i', 'layers.tar'), /localhost:5000\/team\/c:2/);
    t.same(podman.inPodman('localhost:5000/team/c:2'), withoutAccessLists(withoutTopTime(podman.original())));
    t.same(podman.inOurs(t, '!OciImage {archive: image, image: "c:2"}', 'layers.tar'), podman.original());
    podman.program('podman', 'load', '-q', '-i', 'docker.tar');
    t.equal(
      podman.program('podman', 'image', 'inspect', '--format', '{{.Id}}', 'c:latest'),
      id.slice(7),
      'its id is what we print',
    );
    const wrong = (...words: string[]) => rig.run('_export', '--docker-archive', 'x.tar', 'c', ...words);
    for (const words of [
      ['y.tar'],
      ['--oci'],
      ['--compress', 'gzip'],
      ['--attach-sbom'],
      ['--tag', 'UPPER'],
      ['--tag', `c@${id}`],
    ])
      t.equal(wrong(...words).code, 122, words.join(' '));
    t.notOk(rig.has('x.tar'));
    t.end();
  },
);

t.test('_export --oci --attach-sbom: the list of packages travels with the image', async t => {
  const plain = podman.exported('plain');
  const digest = podman.exported('listed', '--attach-sbom');
  t.equal(podman.exported('listed.tar', '--attach-sbom', '--sbom', 'list.json'), digest);
  const blob = (one: { digest: string }) => rig.read(`listed/blobs/${one.digest.replace(':', '/')}`);
  const [name] = JSON.parse(rig.read('listed/index.json')).manifests;
  const [image, referrer] = JSON.parse(blob(name)).manifests;
  t.same([name.digest, image.digest], [digest, plain], 'the image itself is the same as without');
  const about = JSON.parse(blob(referrer));
  t.match(about, { subject: { digest: plain }, artifactType: 'application/spdx+json' });
  t.equal(blob(about.layers[0]), rig.read('list.json'));
  for (const source of ['oci:listed', 'oci:listed:c:latest', 'oci-archive:listed.tar'])
    t.equal(JSON.parse(podman.program('skopeo', 'inspect', source)).Digest, digest, source);
  podman.program('podman', 'rmi', '-af');
  podman.program('podman', 'load', '-q', '-i', 'listed.tar');
  t.same(podman.inPodman('localhost/c:latest'), withoutTopTime(podman.original()));
  podman.program('skopeo', 'copy', '-q', '--all', 'oci-archive:listed.tar', 'oci:copied');
  const [copied] = JSON.parse(rig.read('copied/index.json')).manifests;
  const inside = rig.read(`copied/blobs/${copied.digest.replace(':', '/')}`);
  t.ok(inside.includes(referrer.digest) && inside.includes(plain), 'both are copied');
  t.same(podman.inOurs(t, '!OciImage {layout: ./image}', 'copied'), podman.original());
  const registry = await TestRegistry.start(join(scratch, 'listed'), { kind: 'none' });
  t.teardown(() => registry.stop());
  const target = `docker://${registry.host}/c:1`;
  podman.program('skopeo', 'copy', '-q', '--all', '--dest-tls-verify=false', 'oci:listed', target);
  t.same(
    podman.inOurs(t, `!OciImage "${registry.host}/c:1"`, 'listed'),
    podman.original(),
    'through a registry',
  );
});

t.test('_export, _push_oci, §4.4 _pack_image: interrupted or failed, nothing is left', async t => {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  // The real program behind a gate: it tells that it was started, and goes on when it is told to.
  const script = `#!/bin/sh\n: >"$GATE.started"\nread -r word <"$GATE" && [ "$word" = go ] && exec /usr/bin/zstd "$@"\n`;
  writeFileSync(join(bin, 'zstd'), script, { mode: 0o755 });
  const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
  // The mark goes when the image is on the disk, whenever that is.
  const files = () =>
    [...rig.list('.'), ...rig.list(`.vagga/.roots/c.${short}`)].filter(name => name !== 'unflushed');
  podman.exported('kept');
  const before = files();
  const keptIndex = rig.read('kept/index.json');
  const commands = [
    ['_export', 'c', 'out.tar', '--compress', 'zstd'],
    ['_export', 'c', 'out', '--compress', 'zstd'],
    ['_export', 'c', 'kept', '--compress', 'zstd', '--layers'],
    ['_pack_image', '--zstd', '-f', 'out.tar', 'c'],
    ['_push_oci', '--compress', 'zstd', 'c', '127.0.0.1:1/c:1'],
  ];
  let gate = '';
  const begun = async (words: string[]) => {
    gate = join(mkdtempSync(join(scratch, 'gate-')), 'gate');
    podman.program('mkfifo', gate);
    const running = rig.start(words, { PATH: `${bin}:${process.env.PATH}`, GATE: gate });
    await until(() => existsSync(`${gate}.started`), `${words.join(' ')} compresses`);
    return running;
  };
  const tell = (word: string) => writeFileSync(gate, `${word}\n`);
  for (const [index, words] of commands.entries()) {
    const running = await begun(words);
    t.ok(files().length > before.length, `${words.join(' ')}: something is in the making`);
    running.child.kill(index % 2 === 0 ? 'SIGINT' : 'SIGTERM');
    t.match(await running.ended, { code: index % 2 === 0 ? 130 : 143, stdout: '' }, words.join(' '));
    t.same(files(), before, words.join(' '));
  }
  for (const words of commands) {
    const running = await begun(words);
    tell('stop');
    t.match(await running.ended, { code: 121, stderr: /zstd failed/ }, words.join(' '));
    t.same(files(), before, words.join(' '));
  }
  t.equal(rig.read('kept/index.json'), keptIndex, 'an older layout stays until the new one is whole');
  const killed = await begun(['_export', 'c', 'out.tar', '--compress', 'zstd']);
  killed.child.kill('SIGKILL');
  await killed.ended;
  tell('stop');
  t.not(files().length, before.length, 'a killed one cannot clean up');
  const going = await begun(['_export', 'c', 'out.tar', '--compress', 'zstd']);
  tell('go');
  t.equal((await going.ended).code, 0, going.stderr);
  t.same(
    files().filter(name => name !== 'out.tar'),
    before,
    'the next one does',
  );
  t.ok(rig.has('out.tar'));
});
