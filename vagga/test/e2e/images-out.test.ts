// Images that leave vagga: tar archives and scripts that push them.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { treeLines } from '../archives/tree.ts';
import { ROOT_AND_USER } from './rig.ts';
import { IMAGE_CONFIG, imageProject } from './rig-images.ts';

const scratch = mkdtempSync(join(tmpdir(), 'vagga-images-out-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

/** Extracted by GNU tar as root, with everything that it knows to restore. */
function extracted(archive: string): string {
  const directory = mkdtempSync(join(scratch, 'extracted-'));
  const options = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-p', '-C', directory];
  const { status, stderr } = spawnSync('tar', ['-xf', archive, ...options], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return directory;
}

t.test(
  '§4.4 _pack_image: GNU tar makes the same tree of it, and the same root gives the same bytes',
  async t => {
    const rig = imageProject();
    t.teardown(() => rig.remove());
    const packed = rig.run('_pack_image', '-f', 'plain.tar', 'c');
    t.equal(packed.code, 0, packed.stderr);
    const root = join(rig.root, '.vagga/c');
    const wanted = treeLines(`${root}/.`, { times: true });
    t.match(wanted.join('\n'), /\/bin\/capable 755 0:0 1 .* security\.capability=.* user\.note=/);
    t.match(wanted.join('\n'), /\/etc\/twin 4750 12:34 is \/etc\/owned/);
    t.same(treeLines(`${extracted(join(rig.root, 'plain.tar'))}/.`, { times: true }), wanted);
    const [node = '', args] = rig.commandLine(['_pack_image', 'c']);
    const piped = spawnSync(node, args, { cwd: rig.root, maxBuffer: 100_000_000 });
    t.ok(piped.stdout.equals(readFileSync(join(rig.root, 'plain.tar'))), 'to standard output as well');
    const listed = spawnSync('tar', ['-tf', join(rig.root, 'plain.tar')], { encoding: 'utf8' });
    const names = listed.stdout.trim().split('\n');
    t.equal(names[0], './', 'as busybox names them');
    t.ok(names.every(name => name.startsWith('./')));
  },
);

t.test('§4.4 _pack_image: compressed, and without a file when that fails', async t => {
  const rig = imageProject();
  t.teardown(() => rig.remove());
  t.equal(rig.run('_pack_image', 'c', '-f', 'plain.tar').code, 0);
  const plain = readFileSync(join(rig.root, 'plain.tar'));
  const ways = [
    ['-z', 'gzip'],
    ['-j', 'bzip2'],
    ['-J', 'xz'],
    ['--zstd', 'zstd'],
  ] as const;
  for (const [option, program] of ways) {
    const { code, stderr } = rig.run('_pack_image', option, '--file', `packed.${program}`, 'c');
    t.equal(code, 0, stderr);
    t.match(stderr, new RegExp(`compressed by ${program}`));
    const file = join(rig.root, `packed.${program}`);
    const unpacked = spawnSync(program, ['-dc', file], { maxBuffer: 100_000_000 });
    t.ok(unpacked.stdout.equals(plain), program);
    const before = readFileSync(file);
    t.equal(rig.run('_pack_image', option, '--file', `packed.${program}`, 'c').code, 0);
    t.ok(readFileSync(file).equals(before), `${program} writes the same bytes again`);
  }
  const nowhere = rig.run('_pack_image', 'c', '-f', 'absent/x.tar');
  t.equal(nowhere.code, 121);
  t.match(nowhere.stderr, /Cannot pack the image: .*ENOENT/);
  t.equal(rig.run('_pack_image', 'nobody').code, 121);
  t.equal(rig.run('_pack_image', '--no-build', 'c', '-f', 'again.tar').code, 0);
  t.ok(readFileSync(join(rig.root, 'again.tar')).equals(plain));
  rig.write('vagga.yaml', `${IMAGE_CONFIG}    - !Sh "echo third >/third"\n`);
  t.equal(rig.run('_pack_image', '--no-build', 'c', '-f', 'third.tar').code, 29);
  t.notOk(rig.has('third.tar'));
  t.same(
    rig.list('.').filter(name => name.endsWith('.new')),
    [],
  );
});

t.test('§4.4 _pack_image: a reader that has seen enough ends it', async t => {
  const rig = imageProject();
  t.teardown(() => rig.remove());
  t.equal(rig.run('_build', 'c').code, 0);
  const [node = '', args] = rig.commandLine(['_pack_image', 'c']);
  const child = spawn(node, args, { cwd: rig.root, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', chunk => {
    said += chunk;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise(resolve => child.once('close', resolve));
  t.equal(code, 1);
  t.equal(said, '');
});

for (const as of ROOT_AND_USER) {
  t.test(
    `§4.4 _push_image, §4.8 push-image-script: pushed by ${as}, and fetched instead of built`,
    async t => {
      const rig = imageProject(as);
      t.teardown(() => rig.remove());
      const without = rig.run('_push_image', 'c');
      t.equal(without.code, 121);
      t.match(without.stderr, /no push-image-script/);
      const script = [
        'mkdir -p pushed',
        'id -u >who',
        'echo "$image_path" >path',
        'cp "$image_path" "pushed/$container_name.$short_hash.tar.xz"',
      ].join('; ');
      const settings = { VAGGA_SETTINGS: `push-image-script: '${script}'\n` };
      const pushed = rig.runWith(settings, '_push_image', 'c');
      t.equal(pushed.code, 0, pushed.stderr);
      t.match(pushed.stderr, /\+ mkdir -p pushed/, 'the shell shows what it does');
      const uid = as === 'root' ? process.getuid?.() : rig.user && 61_100;
      t.equal(rig.read('who').trim(), String(uid), 'the script is the caller, not somebody in a namespace');
      const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
      const archive = join(rig.root, `.vagga/.roots/c.${short}/image.tar.xz`);
      t.equal(rig.read('path').trim(), archive);
      t.notOk(existsSync(archive), 'it does not stay');
      const root = `${rig.root}/.vagga/c/.`;
      const before = treeLines(root);
      rmSync(join(rig.root, '.vagga'), { recursive: true });
      const fetched = rig.run('_build', 'c');
      t.equal(fetched.code, 0, fetched.stderr);
      t.notMatch(fetched.stderr, /Will clean and build/);
      // Archives of the format have files in the place of pipes and devices.
      const same = (lines: string[]) => lines.filter(line => !/^\/(etc\/pipe|dev\/null) /.test(line));
      t.same(same(treeLines(root)), same(before));
      const failing = rig.runWith({ VAGGA_SETTINGS: 'push-image-script: exit 7\n' }, '_push_image', 'c');
      t.equal(failing.code, 121);
      t.match(failing.stderr, /push-image-script ended with code 7/);
      t.notOk(existsSync(archive));
    },
  );
}
