// Where images, volumes and caches are, and how they go again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Rig, until } from './rig.ts';

const CONFIG = `containers:
  base:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/sh}
  app:
    volumes:
      /data: !Persistent data
    setup:
    - !Container base
    - !EnsureDir /data
    - !Depends dep
    - !Sh "echo made > /made"
commands:
  x: !Command {container: app, run: echo ran}
`;

function project(settings = ''): Rig {
  const rig = new Rig();
  rig.write('vagga.yaml', CONFIG);
  rig.write('dep', '1');
  if (settings !== '') rig.write('.vagga.settings.yaml', '');
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  return rig;
}

function storage(t: { teardown(work: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'vagga-storage-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return path;
}

const run = (rig: Rig, settings: string, ...words: string[]) =>
  rig.start(words, { VAGGA_SETTINGS: settings }).ended;

t.test('§3.4 storage-dir, §4.8 storage-dir: images outside of the project, found again by links', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const place = storage(t);
  const settings = `storage-dir: ${place}`;
  const built = await run(rig, settings, 'x');
  t.match(built, { code: 0, stdout: 'ran\n' });
  const name = rig.root.split('/').at(-1) ?? '';
  t.equal(readlinkSync(join(rig.root, '.vagga/.lnk')), join(place, name));
  t.equal(readlinkSync(join(place, name, '.lnk')), rig.root);
  t.match(readlinkSync(join(rig.root, '.vagga/app')), /^\.lnk\/\.roots\/app\.[0-9a-f]{8}\/root$/);
  t.ok(existsSync(join(place, name, '.volumes/data')) && existsSync(join(place, '.layers/by-key')));
  t.equal(rig.read('.vagga/app/made'), 'made\n');
  t.same(await run(rig, settings, 'x'), { code: 0, stdout: 'ran\n', stderr: '' }, 'nothing to build');

  const other = project();
  t.teardown(() => other.remove());
  const second = await run(other, settings, '_build', 'app');
  t.equal(second.stderr.match(/: (cached|done)/g)?.filter(how => how === ': cached').length, 3);
  t.match(second.stderr, /!Copy .*: cached/, 'steps are shared between projects');

  rmSync(join(rig.root, '.vagga'), { recursive: true });
  t.equal((await run(rig, settings, '--no-build', 'x')).code, 29);
  t.equal((await run(rig, settings, '_build', 'app')).code, 0);
  t.equal(readlinkSync(join(rig.root, '.vagga/.lnk')), join(place, name), 'its own directory of before');
  rmSync(join(rig.root, '.vagga/.lnk'));
  symlinkSync('/nowhere/at/all', join(rig.root, '.vagga/.lnk'));
  t.match(await run(rig, settings, '_build', 'app'), { code: 121, stderr: /does not exist.*ln -sfn/ });
  rmSync(join(rig.root, '.vagga/.lnk'));
  symlinkSync('/usr', join(rig.root, '.vagga/.lnk'));
  t.match(await run(rig, settings, '_build', 'app'), {
    code: 121,
    stderr: /outside of the storage-dir.*ln -sfn/,
  });
  rmSync(join(rig.root, '.vagga'), { recursive: true });
  symlinkSync(place, join(rig.root, '.vagga'));
  t.match(await run(rig, settings, '_build', 'app'), { code: 121, stderr: /must be a real directory/ });
});

t.test(
  '§3.4 storage-dir: a taken name gets a number; §9 storage: names by a variable are sanitised',
  async t => {
    const rig = project();
    t.teardown(() => rig.remove());
    const place = storage(t);
    const name = rig.root.split('/').at(-1) ?? '';
    mkdirSync(join(place, name));
    t.equal((await run(rig, `storage-dir: ${place}`, '_build', 'base')).code, 0);
    t.equal(readlinkSync(join(rig.root, '.vagga/.lnk')), join(place, `${name}-1`));

    const other = project();
    t.teardown(() => other.remove());
    const settings = `{storage-dir: ${place}, storage-subdir-from-env-var: PLACE}`;
    const missing = await run(other, settings, '_build', 'base');
    t.match(missing, { code: 121, stderr: /variable PLACE .* is not set or empty/ });
    const named = await other.start(['_build', 'base'], { VAGGA_SETTINGS: settings, PLACE: 'a/b c:d_e-f' })
      .ended;
    t.equal(named.code, 0, named.stderr);
    t.equal(readlinkSync(join(other.root, '.vagga/.lnk')), join(place, 'a-b-c-d_e-f'));
    t.notOk(existsSync(join(place, 'a-b-c-d_e-f/.lnk')), '§4.8 storage-subdir-from-env-var: no link back');
  },
);

t.test('§4.4 _init_storage_dir: both links, or a sentence', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const place = storage(t);
  t.match(rig.run('_init_storage_dir'), { code: 2, stderr: /Argument SUBDIR is required/ }, '§4.1 messages');
  t.match(rig.run('_init_storage_dir', 'mine'), { code: 1, stderr: /storage-dir is not set/ });
  const settings = `storage-dir: ${place}`;
  t.match(await run(rig, settings, '_init_storage_dir', 'a/b'), { code: 1, stderr: /not a name/ });
  t.equal((await run(rig, settings, '_init_storage_dir', 'mine')).code, 0);
  t.equal(readlinkSync(join(place, 'mine/.lnk')), rig.root);
  t.match(await run(rig, settings, '_init_storage_dir', 'other'), {
    code: 1,
    stderr: /leads to ".*mine" already/,
  });
  const second = project();
  t.teardown(() => second.remove());
  t.match(await run(second, settings, '_init_storage_dir', 'mine'), {
    code: 1,
    stderr: /leads to .* already/,
  });
  t.equal((await run(second, settings, '_init_storage_dir', '--allow-multiple', 'mine')).code, 0);
});

t.test('§4.8 cache-dir, §4.8 shared-cache: must exist, and a project may have its own', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const place = storage(t);
  const missing = await run(rig, `cache-dir: ${place}/none`, '_build', 'base');
  t.match(missing, { code: 124, stderr: `Cache directory "${place}/none" must exists.` });
  rig.write(
    'vagga.yaml',
    CONFIG.replace('!Sh "echo made', '!CacheDirs {/c: mine}\n    - !Sh "echo kept > /c/f; echo made'),
  );
  t.equal((await run(rig, `cache-dir: ${place}`, '_build', 'app')).code, 0);
  t.ok(existsSync(join(place, 'mine/f')));
  rig.write('.vagga.settings.yaml', 'shared-cache: false\n');
  t.equal((await run(rig, `cache-dir: ${place}`, '_build', '--force', 'app')).code, 0);
  t.ok(rig.has('.vagga/.cache/mine/f'));
});

const images = (rig: Rig) => rig.list('.vagga/.roots').filter(name => !name.endsWith('.lock'));

t.test('§4.4 _clean: each action removes what it says, a dry run nothing', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  t.equal(rig.run('_clean', '--unused').code, 0, 'a fresh project');
  for (const action of ['--tmp', '--old', '--transient', '--volumes'])
    t.equal(rig.run('_clean', action).code, 0);
  t.match(rig.run('_clean'), { code: 1, stderr: /give one of --tmp/ });
  t.equal(rig.run('_clean', '--nope').code, 1);
  t.match(rig.run('_clean', '--unused', '--at-least', 'soon'), { code: 1, stderr: /not a duration/ });
  t.equal(rig.run('_clean', '--old', '--global').code, 2);

  rig.run('x');
  rig.write('dep', '2');
  rig.run('x');
  t.equal(images(rig).length, 3);
  rig.write('.vagga/.roots/.tmp.app/root/half', '');
  rig.write('.vagga/.roots/stray', '');
  rig.write('.vagga/.transient/app.01234567.999999999/f', '');
  rig.write(`.vagga/.transient/app.01234567.${process.pid}/f`, '');
  rig.write('.vagga/.volumes/forgotten/f', '');
  const before = [images(rig), rig.list('.vagga/.volumes'), rig.list('.vagga/.transient')];
  const dry = rig.run(
    '_clean',
    '-n',
    '--old',
    '--tmp',
    '--transient',
    '--unused-volumes',
    '--volumes',
    '--everything',
  );
  t.equal(dry.code, 0);
  t.equal(
    dry.stdout.split('\n').filter(line => /^Would remove "\/.*"$/.test(line)).length,
    8,
    'with the lock of nothing',
  );
  t.match(dry.stderr, /^8 would go and free \d/m);
  t.same(
    [images(rig), rig.list('.vagga/.volumes'), rig.list('.vagga/.transient')],
    before,
    '§9 clean: a true dry run',
  );

  t.same(rig.run('_clean', '--transient'), { code: 0, stdout: '', stderr: '' });
  t.same(
    rig.list('.vagga/.transient'),
    [`app.01234567.${process.pid}`],
    '§9 clean: who lives keeps his copy',
  );
  rig.run('_clean', '--tmp');
  t.notOk(rig.has('.vagga/.roots/.tmp.app'));
  const old = rig.run('_clean', '--old');
  t.same([images(rig).length, rig.has('.vagga/.roots/stray')], [2, false], old.stderr);
  t.same(rig.run('x').stderr, '', 'what is in use stayed');

  rig.write('vagga.yaml', CONFIG.replace('echo made', 'echo remade'));
  t.equal(rig.run('_clean', '--unused').code, 0);
  t.same(
    images(rig).map(name => name.split('.')[0]),
    ['base'],
    'the parent is asked for',
  );
  rig.run('_clean', '--unused-volumes');
  t.same(rig.list('.vagga/.volumes'), ['data']);
  rig.run('_clean', '--volumes');
  t.same(rig.list('.vagga/.volumes'), []);

  rig.run('_build', 'app');
  const [app = ''] = images(rig).filter(name => name.startsWith('app.'));
  utimesSync(join(rig.root, '.vagga/.roots', app, 'last_use'), 1, 1);
  rig.run('_clean', '--unused', '--at-least', '3days 2h');
  t.same(
    images(rig).map(name => name.split('.')[0]),
    ['base'],
  );
  t.ok(rig.list('.vagga/.layers').length > 2);
  rig.run('_clean', '--layers');
  t.same(rig.list('.vagga/.layers'), ['by-key', 'marks']);
  t.same(rig.list('.vagga/.layers/by-key'), []);
  t.equal(rig.run('x').code, 0, 'images do not need them');
  rig.write('.vagga/settings.yaml', '');
  t.equal(rig.run('_clean', '--everything').code, 0);
  t.same(
    rig.list('.vagga').filter(name => name !== '.start-cache.json'),
    ['settings.yaml'],
    'what people wrote stays',
  );
});

t.test(
  '§4.4 _clean: what is locked is left alone, and a config that cannot be versioned ends it',
  async t => {
    const rig = project();
    t.teardown(() => rig.remove());
    rig.write('.vagga/.roots/.tmp.app/root/half', '');
    const holder = spawn('flock', [join(rig.root, '.vagga/.roots/.tmp.app.lock'), 'sh', '-c', 'echo; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await once(holder.stdout, 'data');
    t.equal(rig.run('_clean', '--tmp', '--unused').code, 0);
    t.ok(rig.has('.vagga/.roots/.tmp.app/root/half'));
    holder.stdin.end();
    await once(holder, 'exit');
    t.equal(rig.run('_clean', '--tmp').code, 0);
    t.notOk(rig.has('.vagga/.roots/.tmp.app'));
    rig.run('_build', 'app');
    rmSync(join(rig.root, 'dep'));
    t.equal(rig.run('_clean', '--unused').code, 0);
    t.same(
      images(rig).map(name => name.split('.')[0]),
      ['base'],
      'not to be versioned: all versions go',
    );
  },
);

t.test('§4.4 _clean: --global, §9 clean: every project of the storage', async t => {
  const [rig, other] = [project(), project()];
  t.teardown(() => rig.remove());
  t.teardown(() => other.remove());
  const place = storage(t);
  const settings = `storage-dir: ${place}`;
  t.match(await run(rig, settings, '_clean', '--old'), { code: 0, stderr: /No vagga directory exists/ });
  for (const one of [rig, other]) {
    t.equal((await run(one, settings, '_build', 'app')).code, 0);
    one.write('dep', '2');
    t.equal((await run(one, settings, '_build', 'app')).code, 0);
  }
  t.match(await run(rig, settings, '_clean', '--global', '--unused'), { code: 1, stderr: /add --at-least/ });
  const count = (one: Rig) =>
    images(one).length +
    readdirSync(join(one.root, '.vagga/.lnk/.roots')).filter(name => /^app\./.test(name)).length;
  t.same([count(rig), count(other)], [2, 2]);
  t.equal((await run(rig, settings, '_clean', '--global', '--old')).code, 0);
  t.same([count(rig), count(other)], [1, 1]);
  const dry = await run(rig, settings, '_clean', '--global', '--unused', '--at-least', '0s', '-n');
  t.match(dry.stdout, new RegExp(`Would remove "${place}/.*/.roots/app\\.`));
  t.equal((await run(rig, settings, '_clean', '--global', '--everything')).code, 0);
  t.same(readdirSync(place), []);
});

t.test('_df: sizes of versions, steps, caches and volumes', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  rig.run('x');
  rig.write('.vagga/.volumes/data/big', 'x'.repeat(100_000));
  const shown = rig.run('_df');
  t.match(shown.stdout, /^WHAT +NAME +SIZE +OWN +LAST USED\n/);
  t.match(shown.stdout, /^container +app\.[0-9a-f]{8} \* +\d.* today$/m);
  t.match(shown.stdout, /^layers +\d+ steps /m);
  const rows = JSON.parse(rig.run('_df', '--json').stdout) as {
    kind: string;
    name: string;
    ownBytes: number;
    sizeBytes: number;
  }[];
  const volume = rows.find(({ kind }) => kind === 'volume');
  t.ok(volume?.name === 'data' && volume.ownBytes >= 100_000);
  const app = rows.find(({ name }) => name.startsWith('app.'));
  t.ok(
    (app?.sizeBytes ?? 0) > 1_000_000 && (app?.ownBytes ?? 0) < 500_000,
    'files are shared with the layers',
  );
});

t.test('§3.6 index, §4.4 _verify, §4.8 index-all-images: a damaged container is found', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  t.equal(rig.run('_verify', 'app').code, 124);
  rig.run('_build', 'app');
  t.match(rig.run('_verify', 'app'), { code: 124, stderr: /no index of it/ });
  const settings = 'index-all-images: true';
  t.equal((await run(rig, settings, '_build', '--force', 'app')).code, 0);
  const sound = rig.run('_verify', 'app');
  t.match(sound, { code: 0, stdout: /^Checking container: "\/.*\/\.roots\/app\.[0-9a-f]{8}"\nOk\n$/ });
  rmSync(join(rig.root, '.vagga/app/made'));
  rig.write('.vagga/app/more', '');
  chmodSync(join(rig.root, '.vagga/app/data'), 0o700);
  t.match(rig.run('_verify', 'app'), {
    code: 1,
    stdout:
      /\nContainer is corrupted\nMissing paths:\n\t\/made\nExtra paths:\n\t\/more\nCorrupted paths:\n\t\/data\n$/,
  });
});

t.test(
  '§4.4 _hardlink, §3.6 hard-links, §4.8 hard-link-identical-files: only what is the same in everything',
  async t => {
    const rig = project();
    t.teardown(() => rig.remove());
    const config = (script: string) =>
      CONFIG.replace('echo made > /made', `${script}`).replace(
        '- !Container base',
        '- !Text {/unique: x}\n    - !EnsureDir /bin\n    - !Copy {source: /work/busybox, path: /bin/sh}',
      );
    rig.write('.vagga.settings.yaml', 'step-cache: false\n');
    const build = async (script: string, settings = '{}') => {
      rig.write('vagga.yaml', config(script));
      const built = await run(rig, settings, '_build', 'app');
      t.equal(built.code, 0, built.stderr);
      return { stderr: built.stderr, root: realpathSync(join(rig.root, '.vagga/app')) };
    };
    const one = await build('echo same > /same; echo a > /content; echo b > /mode; : > /empty');
    const two = await build(
      'echo same > /same; echo z > /content; echo b > /mode; chmod 600 /mode; : > /empty',
    );
    const isShared = (name: string) =>
      statSync(join(one.root, name)).ino === statSync(join(two.root, name)).ino;
    t.notOk(isShared('same') || isShared('bin/sh'));
    t.match(rig.run('_hardlink'), {
      code: 0,
      stdout: '',
      stderr: /^Found and linked 3 \(\d.*MB\) identical files$/m,
    });
    t.same(['same', 'bin/sh', 'unique', 'content', 'mode', 'empty'].map(isShared), [
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    t.match(rig.run('_hardlink').stderr, 'Found and linked 0 (0B) identical files');
    t.equal(rig.run('_verify', 'app').code, 0);
    t.equal(rig.run('_hardlink', '--global').code, 124);

    const settings = '{index-all-images: true, hard-link-identical-files: true}';
    const three = await build('echo same > /same; echo new > /content', settings);
    t.match(three.stderr, /Found and linked 3 \(.*\) identical files from other containers/);
    t.equal(statSync(join(three.root, 'same')).ino, statSync(join(two.root, 'same')).ino);
  },
);

t.test('§9 storage: between projects; §4.8 hard-link-between-projects', async t => {
  const [rig, other] = [project(), project()];
  t.teardown(() => rig.remove());
  t.teardown(() => other.remove());
  const place = storage(t);
  const settings = `{storage-dir: ${place}, step-cache: false, index-all-images: true, hard-link-identical-files: true, hard-link-between-projects: true}`;
  const first = await run(rig, settings, '_build', 'app');
  t.equal(first.code, 0, first.stderr);
  const second = await run(other, settings, '_build', 'app');
  t.match(second.stderr, /Found and linked \d+ \(.*MB\) identical files from other containers/);
  const inode = (one: Rig) => statSync(join(one.root, '.vagga/app/bin/sh')).ino;
  t.equal(inode(rig), inode(other));
  t.match(await run(rig, settings, '_hardlink', '--global'), { code: 0, stderr: /Found and linked 0 / });
});

t.test('§4.8 versioned-build-dir: versions of one container are built side by side', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const settings = 'versioned-build-dir: true';
  rig.write('vagga.yaml', CONFIG.replace('echo made', 'sleep 1; echo made'));
  t.equal((await run(rig, settings, '_build', 'base')).code, 0);
  const first = rig.start(['_build', 'app'], { VAGGA_SETTINGS: settings });
  await until(
    () => rig.list('.vagga/.roots').some(name => /^\.tmp\.app\.[0-9a-f]{8}$/.test(name)),
    'the build',
  );
  rig.write('vagga.yaml', CONFIG);
  const second = await run(rig, settings, '_build', 'app');
  t.equal(second.code, 0, second.stderr);
  t.equal((await first.ended).code, 0);
  t.equal(images(rig).filter(name => name.startsWith('app.')).length, 2);
});

t.test(
  '§4.8 disable-auto-clean, §1.4 auto-clean, §3.5 auto-clean: the version before goes, or stays',
  async t => {
    const rig = project();
    t.teardown(() => rig.remove());
    rig.write('vagga.yaml', CONFIG.replace('  app:\n', '  app:\n    auto-clean: true\n'));
    const versions = () => images(rig).filter(name => name.startsWith('app.')).length;
    for (const content of ['1', '2', '3']) {
      rig.write('dep', content);
      t.equal(rig.run('_build', 'app').code, 0);
    }
    t.equal(versions(), 1);
    for (const content of ['4', '5']) {
      rig.write('dep', content);
      await run(rig, 'disable-auto-clean: true', '_build', 'app');
    }
    t.equal(versions(), 3);
    rig.write('dep', '4');
    t.equal(rig.run('_build', 'app').stderr, '', 'a version that is there already');
    t.equal(versions(), 2, 'becomes current, and the one that was goes');
  },
);

t.test('step-cache-size, step-cache-age: what does not fit or is not used goes after a build', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const layers = () => rig.list('.vagga/.layers').filter(name => !['by-key', 'marks'].includes(name));
  rig.run('_build', 'app');
  const count = layers().length;
  for (const name of layers()) utimesSync(join(rig.root, '.vagga/.layers', name, 'layer.json'), 1, 1);
  rig.write('vagga.yaml', CONFIG.replace('echo made', 'echo remade'));
  rig.run('_build', 'app');
  t.ok(layers().length <= count, 'a month without use');
  const young = layers();
  const hourAgo = Date.now() / 1000 - 3600;
  for (const name of young)
    utimesSync(join(rig.root, '.vagga/.layers', name, 'layer.json'), hourAgo, hourAgo);
  rig.write('vagga.yaml', CONFIG.replace('echo made', 'echo again'));
  await run(rig, '{step-cache-size: 1}', '_build', 'app');
  const stayed = young.filter(name => layers().includes(name));
  t.ok(stayed.length < young.length, 'more than fits');
  t.same(
    rig.list('.vagga/.layers/by-key').filter(key => !rig.has(`.vagga/.layers/by-key/${key}/layer.json`)),
    [],
  );
  t.match(rig.run('x'), { code: 0, stdout: 'ran\n' });
});

t.test('§9 link-names: containers whose names differ in their last part', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const container = (name: string) => `  ${name}: {setup: [!Text {/name: "${name}\\n"}]}\n`;
  rig.write('vagga.yaml', `containers:\n${['v3.tmp', 'v3.15'].map(container).join('')}`);
  for (const name of ['v3.tmp', 'v3.15']) t.equal(rig.run('_build', name).code, 0);
  for (const name of ['v3.tmp', 'v3.15']) t.equal(rig.read(`.vagga/${name}/name`), `${name}\n`);
});

t.test('§9 time-of-hash: what changes during a build is noticed', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  rig.write('vagga.yaml', CONFIG.replace('echo made > /made', 'echo more >> /work/dep; echo made > /made'));
  const built = rig.run('_build', 'app');
  t.match(built, {
    code: 0,
    stderr: 'Files of container app changed while it was built; it may hold a mixture.',
  });
  const short = rig.run('_version_hash', '-s', 'app').stdout.trim();
  t.ok(rig.has(`.vagga/.roots/app.${short}/root/made`), 'named after what is there now');
});
