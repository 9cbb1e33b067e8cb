// Editors: a container as a devcontainer that podman runs, and its libraries as links in the project.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { Rig, ROOT_AND_USER } from './rig.ts';

/** The editor's own variable. */
const HERE = '$' + '{localWorkspaceFolder}';

const CONFIG = `containers:
  box:
    environ: {GREETING: "hello \\"world\\""}
    volumes:
      /tmp: !Tmpfs {size: 1Mi}
      /data: !Persistent data
      /cache: !CacheDir pip
      /lib: !BindRO /work/lib
      /other: !Snapshot {}
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh |
        /bin/busybox --install -s /bin
        mkdir -p /usr/local/lib/python3.11/dist-packages/thing /usr/lib/python3/dist-packages /usr/include
        ln -s /etc /usr/lib/ruby
        echo "version = 1" > /usr/local/lib/python3.11/dist-packages/thing/__init__.py
        mkdir /data /cache /lib /other
    - !Depends marker
  bare: {setup: [!EnsureDir /x]}
commands: {}
`;

function project(as: 'root' | 'user'): Rig {
  const rig = new Rig({ as });
  rig.write('vagga.yaml', CONFIG);
  rig.write('busybox', '');
  rig.write('marker', '1');
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  return rig;
}

t.test('_devcontainer writes what editors read, and its image runs', async t => {
  const rig = project('root');
  const store = mkdtempSync(join(tmpdir(), 'vagga-podman-'));
  t.teardown(() => {
    spawnSync('podman', ['system', 'reset', '--force'], { env: podmanEnvironment });
    rmSync(store, { recursive: true, force: true });
    rig.remove();
  });
  const conf = join(store, 'storage.conf');
  writeFileSync(conf, `[storage]\ndriver = "vfs"\ngraphroot = "${store}/root"\nrunroot = "${store}/run"\n`);
  const podmanEnvironment = { ...process.env, CONTAINERS_STORAGE_CONF: conf };
  const written = rig.run('_devcontainer', 'box');
  t.equal(written.stdout, '.devcontainer/devcontainer.json\n');
  t.match(written.stderr, ': volume /other has no counterpart');
  const config = JSON.parse(rig.read('.devcontainer/devcontainer.json'));
  const image = `vagga-${basename(rig.root).toLowerCase()}-box`;
  t.match(config, {
    image,
    initializeCommand: ['vagga', '_devcontainer', '--load', 'box'],
    workspaceFolder: '/work',
    containerEnv: { GREETING: 'hello "world"' },
    mounts: [
      `source=${HERE}/.vagga/.cache/pip,target=/cache,type=bind`,
      `source=${HERE}/.vagga/.volumes/data,target=/data,type=bind`,
      `source=${HERE}/lib,target=/lib,type=bind,readonly`,
      'target=/tmp,type=tmpfs',
    ],
  });
  rig.write(
    '.devcontainer/devcontainer.json',
    JSON.stringify({ ...config, image: 'old', features: { a: {} } }),
  );
  t.equal(rig.run('_devcontainer', 'box').code, 0);
  t.match(JSON.parse(rig.read('.devcontainer/devcontainer.json')), { image, features: { a: {} } });
  rig.write('.devcontainer/devcontainer.json', '{ // mine\n}');
  t.match(rig.run('_devcontainer', 'box'), { code: 121, stderr: /is there and no plain JSON/ });
  t.match(rig.read('.devcontainer/devcontainer.json'), 'mine', 'and stays');
  const [, ...words] = config.initializeCommand as string[];
  const loaded = rig.runWith({ CONTAINERS_STORAGE_CONF: conf }, ...words, '--engine', 'podman');
  t.same([loaded.code, loaded.stdout], [0, `${image}\n`], loaded.stderr);
  const mount = (config.workspaceMount as string).replace(HERE, rig.root);
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--cgroups=disabled'];
  const variables = Object.entries(config.containerEnv).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ]);
  const argv = [
    'run',
    '--rm',
    '--network=host',
    ...limits,
    '--mount',
    mount,
    ...(config.mounts as string[]).flatMap(each => ['--mount', each.replace(HERE, rig.root)]),
    '-w',
    '/work',
    ...variables,
    image,
  ];
  rig.write('lib/thing', 'of the project');
  const look =
    'echo $GREETING; cat /lib/thing; touch /data/kept; cat marker; ls /usr/local/lib/python3.11/dist-packages';
  const runtime = await probeRuntime(realProc);
  if (runtime.kind === 'none') return t.fail(runtime.message);
  // On some hosts the runtime works only with mounts of its own.
  const [program = '', ...rest] = runtime.wrap([
    'podman',
    '--runtime',
    runtime.program,
    ...argv,
    'sh',
    '-c',
    look,
  ]);
  const ran = spawnSync(program, rest, { env: podmanEnvironment, encoding: 'utf8' });
  t.equal(ran.stdout, 'hello "world"\nof the project1thing\n', ran.stderr);
  t.same(rig.list('.vagga/.volumes/data'), ['kept']);
  t.match(rig.run('_devcontainer', 'nobody'), { code: 121, stderr: /Container "nobody" not found/ });
  t.match(rig.run('_devcontainer', '--load', '--engine', '/bin/false', 'bare'), {
    code: 121,
    stderr: /could not be made/,
  });
});

for (const as of ROOT_AND_USER) {
  t.test(`_ide shows the libraries of the newest build, as ${as}`, async t => {
    const rig = project(as);
    t.teardown(() => rig.remove());
    const shown = rig.run('_ide', 'box');
    t.equal(shown.code, 0, shown.stderr);
    t.same(rig.list('.ide/box'), ['include', 'python', 'python-local']);
    t.match(shown.stdout, '.ide/box/python-local: Python packages by pip\n');
    t.equal(rig.read('.ide/.gitignore'), '*\n');
    const file = join(rig.root, '.ide/box/python-local/thing/__init__.py');
    t.equal(readFileSync(file, 'utf8'), 'version = 1\n');
    const before = realpathSync(file);
    rig.write('marker', '2');
    t.equal(rig.run('_build', 'box').code, 0);
    t.not(realpathSync(file), before, 'links follow the next build');
    t.match(rig.run('_ide', 'bare'), { code: 0, stdout: '', stderr: /no libraries/ });
    t.match(rig.run('_ide'), { code: 122 });
  });
}
