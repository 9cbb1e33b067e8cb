// What is left of a build when the power goes before the kernel has brought it to the disk. The disk is a file: what it holds right
// after the build is what a cut would have left.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '@suite/shared/linux/flock.ts';
import t from 'tap';
import { removeTree } from './remove-tree.ts';
import { type Outcome, Rig, type RigOptions, ROOT_AND_USER, until, VAGGA } from './rig.ts';

const CONFIG = `containers:
  app:
    setup:
    - !EnsureDir /bin
    - !EnsureDir /data
    - !Copy {source: /work/busybox, path: /bin/busybox}
    - !Copy {source: /work/busybox, path: /bin/sh}
    - !Depends dep
    - !Sh "/bin/busybox cat /work/dep >/dep"
commands:
  x: !Command {container: app, run: [/bin/busybox, cat, /dep]}
  _fill: !Command
    container: app
    volumes: {/data: !Persistent {name: data}}
    run: [/bin/busybox, cp, /dep, /data/dep]
  y: !Command
    container: app
    volumes: {/data: !Persistent {name: data, init-command: _fill}}
    run: [/bin/busybox, cat, /data/dep]
`;

const LOST = /container app was built right before this machine went down/;
const MARK = 'unflushed';
/** The kernel writes by itself when there is much to write elsewhere: a cut after that tears nothing. */
const CUTS_MAX = 5;

const must = (program: string, ...words: string[]): string => {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
  return stdout.trim();
};

function project(options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  rig.write('vagga.yaml', CONFIG);
  rig.write('dep', 'first\n');
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  return rig;
}

/** As if the machine had been started again since. */
function inAnotherBoot(rig: Rig, boot: number, ...words: string[]): Outcome {
  const id = join(tmpdir(), `vagga-boot-${process.pid}`);
  writeFileSync(id, `00000000-0000-4000-8000-${String(boot).padStart(12, '0')}\n`);
  const script = `mount --bind ${id} /proc/sys/kernel/random/boot_id && exec "$@"`;
  const argv = ['--mount', 'sh', '-c', script, 'sh', process.execPath, VAGGA, ...words];
  const { status, stdout, stderr } = spawnSync('unshare', argv, { cwd: rig.root, encoding: 'utf8' });
  rmSync(id);
  return { code: status, stdout, stderr };
}

const directories = (rig: Rig, place: string): string[] =>
  rig
    .list(place)
    .map(name => `${place}/${name}`)
    .filter(path => lstatSync(join(rig.root, path)).isDirectory());

/** Every image and layer that may not be on the disk. */
function marked(rig: Rig): string[] {
  return ['.vagga/.roots', '.vagga/.layers']
    .flatMap(place => directories(rig, place))
    .filter(path => rig.list(path).includes(MARK));
}

const flushed = (rig: Rig) => until(() => marked(rig).length === 0, 'all is on the disk');

/** While it is held nothing loses its mark. Who has flushed before may hold it a moment longer than there are marks. */
async function holdFlush(rig: Rig): Promise<() => void> {
  mkdirSync(join(rig.root, '.vagga/.roots'), { recursive: true });
  const fd = openSync(join(rig.root, '.vagga/.roots'), 'r');
  await until(() => tryLock(fd), 'nobody flushes');
  return () => closeSync(fd);
}

/** Of a new file: the journal comes to the disk with it. */
function flushNew(path: string): void {
  const fd = openSync(path, 'wx');
  fsyncSync(fd);
  closeSync(fd);
}

const hasLoop = spawnSync('losetup', ['--find']).status === 0;

/** A file system in a file, mounted at `root`. */
class Disk {
  readonly #directory = mkdtempSync(join(tmpdir(), 'vagga-disk-'));
  readonly root = join(this.#directory, 'project');
  readonly #file = join(this.#directory, 'disk');

  constructor() {
    mkdirSync(this.root);
    writeFileSync(this.#file, '');
    truncateSync(this.#file, 64 * 1024 * 1024);
    must('mkfs.ext4', '-q', this.#file);
    this.#mount();
  }

  #mount(): void {
    must('mount', '-o', 'loop', this.#file, this.root);
  }

  /** Names come to the disk with its journal, content that nobody has flushed does not. */
  async cut(rig: Rig, release: () => void): Promise<void> {
    flushNew(join(this.root, 'new'));
    const after = `${this.#file}.after`;
    copyFileSync(this.#file, after);
    release();
    await until(() => rig.processes(this.root).length === 0, 'nobody works on the disk');
    await until(() => spawnSync('umount', [this.root]).status === 0, 'nobody uses the disk');
    renameSync(after, this.#file);
    this.#mount();
  }

  remove(): void {
    spawnSync('umount', ['--lazy', this.root]);
    removeTree(this.#directory);
  }
}

if (hasLoop)
  t.test(
    'a power cut right after a build: what may be torn is built again, what was flushed is not',
    async t => {
      const disk = new Disk();
      t.teardown(() => disk.remove());
      const rig = project({ root: disk.root });
      t.match(rig.run('y'), { code: 0, stdout: 'first\n' });
      await flushed(rig);
      let isTorn = false;
      let text = '';
      for (let attempt = 1; attempt <= CUTS_MAX && !isTorn; attempt++) {
        text = `attempt ${attempt}\n`;
        rig.write('dep', text);
        must('sync', '-f', disk.root);
        const release = await holdFlush(rig);
        t.match(rig.run('x'), { code: 0, stdout: text });
        const before = marked(rig);
        t.ok(
          before.some(path => path.includes('.roots/app.')) && before.some(path => path.includes('.layers/')),
        );
        await disk.cut(rig, release);
        t.same(marked(rig), before, 'the marks are on the disk');
        isTorn = rig.read('.vagga/app/dep') !== text;
      }
      t.ok(isTorn, 'the file of the image is not');
      t.equal(rig.read('.vagga/.volumes/data/dep'), 'first\n', 'a volume that was filled is');
      t.match(inAnotherBoot(rig, 1, '_why', 'app'), { code: 0, stdout: 'may be damaged' });
      t.match(inAnotherBoot(rig, 1, 'x'), { code: 0, stdout: text, stderr: LOST });
      await flushed(rig);
      const next = inAnotherBoot(rig, 2, 'x');
      t.match(next, { code: 0, stdout: text });
      t.notMatch(next.stderr, /built/);
    },
  );

t.test('files torn by a power cut are not used, from images or from the step cache', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const release = await holdFlush(rig);
  t.equal(rig.run('x').code, 0);
  const images = rig.list('.vagga/.roots').filter(name => /^app\.\w{8}$/.test(name));
  t.equal(images.length, 1);
  truncateSync(join(rig.root, '.vagga/app/dep'), 0);
  truncateSync(join(rig.root, '.vagga/.layers/marks'), 0);
  t.match(inAnotherBoot(rig, 1, '--no-build', 'x'), { code: 29, stderr: /"app" was built right before/ });
  t.match(inAnotherBoot(rig, 1, '--no-version-check', 'x'), {
    code: 124,
    stderr: /"app" was built right before/,
  });
  t.match(inAnotherBoot(rig, 1, 'x'), { code: 0, stdout: 'first\n', stderr: LOST });
  t.equal(rig.read('.vagga/.layers/marks').length > 0, true);
  release();
});

t.test('on an overlay, as inside a container, there are no marks', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'vagga-overlay-'));
  const [lower, upper, work, root] = ['lower', 'upper', 'work', 'root'].map(name => join(directory, name));
  for (const path of [lower, upper, work, root]) mkdirSync(path as string);
  must(
    'mount',
    '-t',
    'overlay',
    'none',
    '-o',
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    `${root}`,
  );
  const rig = project({ root: root as string });
  t.teardown(() => {
    must('umount', '--lazy', root as string);
    removeTree(directory);
  });
  t.match(rig.run('x'), { code: 0, stdout: 'first\n' });
  t.same(marked(rig), []);
  t.match(inAnotherBoot(rig, 1, 'x'), { code: 0, stdout: 'first\n', stderr: '' });
});

t.test('a copy of the project, as a cache of CI makes it, needs no build on another machine', async t => {
  const rig = project();
  const copy = `${rig.root}-copy`;
  t.teardown(() => {
    rig.remove();
    removeTree(copy);
  });
  const release = await holdFlush(rig);
  t.equal(rig.run('x').code, 0);
  must('cp', '-a', rig.root, copy);
  release();
  const there = inAnotherBoot(new Rig({ root: copy }), 1, 'x');
  t.match(there, { code: 0, stdout: 'first\n' });
  t.notMatch(there.stderr, /built|Warning/);
});

for (const as of ROOT_AND_USER)
  t.test(`a flush that was killed is made up for by a later run: ${as}`, async t => {
    const rig = project({ as });
    t.teardown(() => rig.remove());
    t.equal(rig.run('x').code, 0);
    await flushed(rig);
    const [name = ''] = rig.list('.vagga/.roots').filter(each => /^app\.\w{8}$/.test(each));
    const image = join(rig.root, '.vagga/.roots', name);
    // As the killed one left it.
    const boot = must('cat', '/proc/sys/kernel/random/boot_id');
    symlinkSync(`${boot}.${lstatSync(image).ino}`, join(image, MARK));
    t.equal(rig.run('x').code, 0);
    t.equal(marked(rig).length, 1, 'somebody else is expected to be at it');
    must('touch', '--no-dereference', '--date=-2 minutes', join(image, MARK));
    const next = rig.run('x');
    t.match(next, { code: 0, stdout: 'first\n' });
    t.notMatch(next.stderr, /built/);
    await flushed(rig);
  });
