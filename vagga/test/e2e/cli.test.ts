// The command line as scripts meet it: texts, streams and exit codes, with a container that holds only BusyBox.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, until, VAGGA } from './rig.ts';

const CONFIG = `containers:
  c:
    setup: &box
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh /bin/busybox --install -s /bin; mkdir /opt
    environ: {LAYER: container, OWN: container}
    environ-file: /etc/vars
  plain: {setup: *box}
  edited:
    setup:
    - !EnsureDir /a
    - !Depends dependency
  fails:
    setup: [!Sh "exit 1"]
commands:
  env: !Command {container: plain, run: [env], description: Shows its environment, group: Looking}
  args: !Command
    container: plain
    description: Takes options
    aliases: [a]
    options: |
      Usage: vagga args [options] [<file>...]

      Options:
        -F, --first <x>     First
        --second X          Second
        -v, --verbose ...   More
        --flag              A flag
    run: env | grep VAGGA | sort
  where: !Command {container: plain, run: pwd, work-dir: sub}
  root: !Command {container: plain, run: pwd, work-dir: /bin}
  here: !Command {container: plain, run: pwd}
  one: !Command {container: plain, run: echo one, epilog: "end\\n"}
  two: !Command {container: plain, run: "echo two; exit 5", prerequisites: [one], symlink-name: second}
  three: !Command {container: plain, run: echo three, prerequisites: [two], banner: "About to start\\n"}
  lost: !Command {container: plain, run: x, prerequisites: [nowhere]}
  none: !Command {container: nowhere, run: x}
  missing: !Command {container: plain, run: [no-such-program]}
  edited: !Command {container: edited, run: [x]}
  name: !Command {container: plain, run: 'echo "$@"', accepts-arguments: true, symlink-name: sayit}
  many: !Command {container: plain, run: "true", expect-inotify-limit: 1000000000}
  unplaced: !Command {container: plain, run: pwd, work-dir: no/such}
  outside: !Command {container: plain, run: pwd, work-dir: /no/such}
  tool: !Command {container: plain, run: pwd, work-dir: /bin/sh}
  linked: !Command {container: plain, run: [pwd, -P], work-dir: link}
  volume: !Command {container: plain, run: [ran], volumes: {/opt: !BindRO /work/sub}, environ: {PATH: "/opt:/bin"}}
  watches: !Command {container: plain, run: "true", expect-inotify-limit: 50000}
  late: !Command {container: plain, run: echo done, banner: "late\\n", banner-delay: 60}
  stays: !Command {container: plain, run: "echo started; sleep 7701", banner: It is up, banner-delay: 1}
  unbuildable: !Command {container: fails, run: x}
  file: !Command {container: c, run: x}
  pair: !Supervise
    banner: "A pair\\n"
    options: "Usage: vagga pair [options]"
    mode: wait-all-successful
    children:
      a: !Command {container: plain, tags: [x], run: "echo a $VAGGA_COMMAND/$VAGGA_SUBCOMMAND $VAGGAOPT_ONLY"}
      b: !Command {container: plain, run: "echo b"}
`;

const rig = new Rig();
t.teardown(() => rig.remove());

t.before(() => {
  rig.write('vagga.yaml', CONFIG);
  rig.write('dependency', '1');
  rig.write('sub/x', '');
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  symlinkSync('/work/sub', join(rig.root, 'link'));
  rig.write('sub/ran', '#!/bin/sh\necho ran\n');
  chmodSync(join(rig.root, 'sub/ran'), 0o755);
  const built = rig.run('_build', 'plain');
  if (built.code !== 0) throw new Error(built.stderr);
});

const lines = (text: string) => text.trimEnd().split('\n');

t.test(
  '§4.2 --version, §4.2 --help, §4.2 order-of-checks, §4.2 owner-check, §4.2 --ignore-owner-check, §4.9 exit 0: which error comes first',
  async t => {
    const bad = new Rig();
    t.teardown(() => bad.remove());
    t.match(
      bad.run('--version'),
      { code: 0, stdout: /^v0\.8\.\d+ \(suite \d+\.\d+\.\d+\)\n$/ },
      'without a config',
    );
    t.match(bad.run('-h'), { code: 0, stdout: /^Usage:\n {2}vagga \[OPTIONS\]/ });
    t.match(bad.run('_completion', 'fish'), { code: 0, stdout: /complete -c vagga/ });
    t.match(bad.run('--bad'), { code: 126, stderr: /^Config not found in path "\// });
    bad.write('vagga.yaml', 'commands: {x: !Command {containr: a}}');
    t.match(bad.run('--bad'), { code: 126, stderr: /containr/ }, 'the config before the options');
    bad.write('vagga.yaml', 'commands: {}');
    bad.write('.vagga.settings.yaml', 'nonsense: 1');
    t.match(bad.run('--bad'), { code: 126, stderr: /nonsense/ }, 'the settings too');
    bad.write('.vagga.settings.yaml', '');
    t.match(bad.run('--bad', '-e', 'A=b'), { code: 122, stderr: /vagga: Unknown option --bad\n$/ });
    chownSync(bad.root, 12345, 12345);
    t.match(bad.run('-e', 'A=b', 'x'), { code: 122, stderr: /err_root/ }, 'then the owner');
    t.match(bad.run('--ignore-owner-check', '-e', 'A=b', 'x'), { code: 126, stderr: /can't contain equals/ });
    t.match(bad.run('--ignore-owner-check', 'x'), {
      code: 121,
      stderr: /^Command "x" not found and is not an alias\n/,
    });
    t.same(bad.run('--ignore-owner-check'), { code: 127, stdout: '', stderr: '' }, 'no commands, no listing');
  },
);

t.test('§4.3 listing, §4.9 exit 127: on stderr', async t => {
  const listed = rig.run();
  t.equal(listed.code, 127);
  t.equal(listed.stdout, '');
  t.match(listed.stderr, '    args                Takes options\n                        (aliases: a)\n');
  t.match(listed.stderr, '\n\nLooking:\n    env                 Shows its environment\n');
  t.equal(rig.run('_help').stderr, listed.stderr);
  t.equal(rig.run('_help').code, 127);
});

t.test('§1.8 values, §1.6 options: exported to the process', async t => {
  const ran = rig.run('args', '-Fhello', '--second', 'wor_ld', '-vvvv', '--verbose', 'x y', 'z');
  t.same(lines(ran.stdout), [
    'VAGGACLI_ARGS=args',
    "VAGGACLI_FILE= 'x y' z",
    'VAGGACLI_FIRST=--first hello',
    'VAGGACLI_FLAG=',
    'VAGGACLI_HELP=',
    "VAGGACLI_SECOND=--second 'wor_ld'",
    'VAGGACLI_VERBOSE=--verbose --verbose --verbose --verbose --verbose',
    'VAGGAOPT_ARGS=true',
    'VAGGAOPT_FILE=x y z',
    'VAGGAOPT_FIRST=hello',
    'VAGGAOPT_FLAG=',
    'VAGGAOPT_HELP=',
    'VAGGAOPT_SECOND=wor_ld',
    'VAGGAOPT_VERBOSE=5',
  ]);
  t.match(rig.run('args', '--bad-arg'), {
    code: 121,
    stdout: '',
    stderr: "Unknown flag: '--bad-arg'\n\nUsage: vagga args [options] [<file>...]\n",
  });
  t.match(rig.run('args', '--help'), { code: 0, stderr: '', stdout: /^Takes options\n\nUsage: vagga args/ });
  t.equal(rig.run('_help', 'args').stdout, rig.run('args', '-h').stdout);
  const pair = rig.run('pair', '--only', 'x');
  t.match(pair, { code: 0, stdout: /a pair\/a x/, stderr: /^A pair\n/ });
  t.notMatch(pair.stdout, /echo b| b$/m);
  t.match(rig.run('pair', '--only', 'nobody'), { code: 127, stderr: /\S/ });
});

t.test('§4.7 environment, §4.2 --environ, §4.2 --use-env, §4.8 environ, §4.8 propagate-environ', async t => {
  rig.write('.vagga.settings.yaml', 'environ: {FROM_SETTINGS: s, X: s}\n');
  rig.write('file.env', '# comment\nF=1\nX=file\n');
  const caller = {
    P_ONE: '1',
    P_TWO: 'caller',
    VAGGAENV_P_TWO: 'literal',
    VAGGAENV_GONE: 'x',
    NOT: 'x',
    E: 'caller',
  };
  const options = ['--environ-file', 'file.env', '-E', 'X=option', '-E', 'GONE', '-e', 'E', '-e', 'UNSET'];
  const ran = rig.runWith(
    { ...caller, VAGGA_SETTINGS: 'environ: {VAR: v, X: v}\npropagate-environ: [P_*]\n', TERM: 'xyz' },
    ...options,
    'env',
  );
  t.equal(ran.stderr, '');
  const found = Object.fromEntries(lines(ran.stdout).map(line => line.split(/=(.*)/s).slice(0, 2)));
  t.match(found, {
    P_ONE: '1',
    P_TWO: 'literal',
    FROM_SETTINGS: 's',
    VAR: 'v',
    X: 'option',
    F: '1',
    E: 'caller',
    UNSET: '',
    TERM: 'xyz',
  });
  // HOME is there: the container engine sets it when nobody does.
  for (const name of ['NOT', 'GONE', 'USER', 'VAGGA_SETTINGS']) t.notOk(name in found, name);
  t.equal(found.PATH, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  rig.write('.vagga.settings.yaml', '');
  t.match(rig.run('--environ-file', 'nowhere.env', 'env'), { code: 126, stderr: /nowhere\.env/ });
  t.match(rig.run('file'), { code: 124, stderr: /environ-file/ }, 'in the container, not there');
});

t.test(
  '§1.7 order, §1.7 several, §1.7 stops, §1.7 unknown, §1.6 epilog, §1.6 banner, §1.6 container, §4.2 --no-prerequisites, §4.2 --run-multi: sequences',
  async t => {
    t.match(
      rig.run('three'),
      { code: 5, stdout: 'one\nend\ntwo\n' },
      'stops at the first code that is not 0',
    );
    t.match(rig.run('--no-prerequisites', 'three'), {
      code: 0,
      stdout: 'three\n',
      stderr: 'About to start\n',
    });
    t.match(rig.run('-m', 'here', 'one', 'here'), { code: 0, stdout: '/work\none\nend\n' });
    t.match(
      rig.run('-m', 'one', '_list'),
      { code: 121, stderr: /^Command "_list" not found/ },
      'no built-in ones',
    );
    t.match(rig.run('lost'), {
      code: 121,
      stderr: 'Command nowhere not found. Run vagga without arguments to see the list.\n',
    });
    t.match(rig.run('none'), { code: 121, stderr: /Container "nowhere" not found/ });
    t.match(rig.run('one', 'x'), {
      code: 122,
      stderr: 'Usage:\n  vagga one\nvagga one: Unexpected argument x\n',
    });
    t.equal(rig.run('two', 'x').stdout, '', 'bad arguments stop everything before it begins');
  },
);

t.test('§1.6 work-dir, §1.6 run, §4.4 _base_dir, §4.4 _relative_work_dir: places', async t => {
  const below = new Rig({ root: join(rig.root, 'sub') });
  t.equal(rig.run('here').stdout, '/work\n');
  t.equal(below.run('here').stdout, '/work/sub\n');
  t.equal(rig.run('where').stdout, '/work/sub\n');
  t.equal(rig.run('root').stdout, '/bin\n');
  t.equal(below.run('_base_dir').stdout, `${rig.root}\n`);
  t.equal(below.run('_relative_work_dir').stdout, 'sub\n');
  t.equal(rig.run('_relative_work_dir').stdout, '\n');
  t.match(rig.run('missing'), {
    code: 124,
    stderr:
      'Command no-such-program not found in "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n',
  });
});

t.test('§4.4 _run: a program by its usual place', async t => {
  t.match(rig.run('_run', 'plain', 'echo', '--help', '-W'), { code: 0, stdout: '--help -W\n' });
  t.match(rig.run('-E', 'PATH=/nowhere', '_run', 'plain', 'id', '-u'), { code: 0, stdout: '0\n' });
  t.match(rig.run('_run', 'plain', 'nothing'), {
    code: 124,
    stderr: /^Command "nothing" not found in "\/usr\/local/,
  });
  t.match(rig.run('_run', 'nowhere', 'x'), { code: 121, stderr: /^Container "nowhere" not found/ });
  t.match(rig.run('_run'), { code: 122, stderr: /vagga _run: Argument CONTAINER is required\n$/ });
  t.match(rig.run('_run', 'plain'), { code: 122, stderr: /vagga _run: Argument COMMAND is required\n$/ });
  t.match(rig.run('_run', '--bad', 'plain', 'x'), {
    code: 122,
    stderr: /vagga _run: Unknown option --bad\n$/,
  });
  t.match(rig.run('--no-network', '_run', 'plain', 'wc', '-l', '/proc/net/dev'), { stdout: /^3 / });
});

t.test(
  '§4.2 --no-build, §4.2 --no-version-check, §4.2 --containers-only, §4.9 exit 29, §4.4 _build, §9 build-modes',
  async t => {
    t.match(rig.run('--no-build', 'edited'), { code: 29, stderr: /Container "edited" is out of date/ });
    t.match(rig.run('_run', '--no-build', 'edited', 'x'), { code: 29 }, 'also behind _run');
    t.match(
      rig.run('--no-build', '_run', '--no-version-check', 'edited', 'x'),
      { code: 124 },
      'the last one wins',
    );
    t.match(rig.run('--containers-only', 'edited'), { code: 0, stdout: '' });
    t.match(
      rig.run('--no-build', 'edited'),
      { code: 124, stderr: /^Command x not found/ },
      'it is there now',
    );
    rig.write('dependency', '2');
    t.equal(rig.run('--no-build', 'edited').code, 29);
    t.equal(rig.run('--no-version-check', 'edited').code, 124, 'runs in the old one');
    t.match(rig.run('_build'), { code: 121, stderr: /^Container "" not found/ });
    t.match(rig.run('_build', 'edited', 'x'), { code: 122, stderr: /vagga _build: Unexpected argument x/ });
    t.match(rig.run('_build', 'edited'), { code: 0, stdout: '' });
  },
);

t.test('§1.7 build-first: nothing runs before all is checked and built', async t => {
  rig.write('dependency', '3');
  t.match(rig.run('-m', 'one', 'nobody'), { code: 121, stdout: '' });
  t.match(rig.run('-m', 'one', 'none'), { code: 121, stdout: '' });
  const ran = rig.run('-m', 'one', 'edited');
  t.match(ran, { code: 124, stdout: 'one\nend\n', stderr: /^[\s\S]*Container edited \([0-9a-f]{8}\) built/ });
  rig.write('dependency', '4');
  t.match(rig.run('-m', 'one', 'unbuildable'), { code: 121, stdout: '' });
});

t.test('--explain says what would happen and does nothing', async t => {
  rig.write('dependency', '5');
  const before = rig.list('.vagga/.roots').join();
  const told = rig.run('-E', 'X=a b', '--explain', '-m', 'three', 'edited', 'where');
  t.equal(told.code, 0);
  t.equal(told.stderr, '');
  const hash = (name: string) => rig.run('_version_hash', '-s', name).stdout.trim();
  const [edited, plain] = [hash('edited'), hash('plain')];
  t.match(told.stdout, `build edited (${edited}, would be built, 2 steps)\nrun one\n`);
  t.match(told.stdout, /^run one$[\s\S]*^run two$[\s\S]*^run three$/m, 'with what comes before');
  t.match(
    told.stdout,
    `run where\n   container plain (${plain}, built)\n   runs /bin/sh -c pwd --\n   in /work/sub\n   with X='a b'\n`,
  );
  t.equal(rig.list('.vagga/.roots').join(), before);
  t.match(rig.run('--explain', 'one', 'x'), { code: 122, stderr: /Unexpected argument x/ });
  t.match(rig.run('--explain', '_build', 'edited'), { code: 122, stderr: /--explain/ });
});

t.test('§1.6 banner, §1.6 banner-delay, §9 dead-keys: for commands that stay', async t => {
  t.match(rig.run('late'), { code: 0, stdout: 'done\n', stderr: '' }, 'it ended before');
  const staying = rig.start(['stays']);
  await staying.shows('It is up\n');
  await until(() => staying.stdout !== '', 'its output');
  t.equal(staying.stdout, 'started\n', 'not among the output');
  staying.child.kill('SIGTERM');
  t.equal((await staying.ended).code, 143);
});

/** vagga with a file of ours in the place of the kernel's limit. */
function withLimit(limit: string, settings: string, command: string) {
  rig.write('limit', limit);
  const script = 'mount --bind limit /proc/sys/fs/inotify/max_user_watches && exec "$0" "$1" "$2"';
  const { NODE_EXTRA_CA_CERTS: _, ...caller } = process.env;
  const { status, stderr } = spawnSync(
    'unshare',
    ['-m', 'sh', '-c', script, process.execPath, VAGGA, command],
    {
      cwd: rig.root,
      env: { ...caller, VAGGA_SETTINGS: settings },
      encoding: 'utf8',
    },
  );
  return { code: status, stderr, limit: rig.read('limit') };
}

t.test('options that Node knows too are ours and those of commands', async t => {
  const direct = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(VAGGA, words, { cwd: rig.root, encoding: 'utf8' });
    return { code: status, stdout, stderr };
  };
  t.match(direct('name', '--env-file', 'nowhere.env'), { code: 0, stdout: '--env-file nowhere.env\n' });
  t.match(direct('--env-file=nowhere.env', 'env'), { code: 126, stderr: /nowhere\.env/ });
  t.match(direct('--env-file', 'file.env', 'env'), { code: 0, stdout: /^F=1$/m });
});

t.test('§1.9 compare, §1.9 auto-apply, §1.6 expect-inotify-limit, §4.8 auto-apply-sysctl', async t => {
  t.match(withLimit('8192\n', '', 'watches'), {
    code: 0,
    stderr: /^ WARN .*8192.*fs\.inotify\.max_user_watches=50000$/m,
    limit: '8192\n',
  });
  t.same(withLimit('50000\n', '', 'watches'), { code: 0, stderr: '', limit: '50000\n' });
  t.same(withLimit('8192\n', 'auto-apply-sysctl: true', 'watches'), {
    code: 0,
    stderr: '',
    limit: '50000\n',
  });
  t.match(withLimit('8192\n', 'auto-apply-sysctl: true', 'many'), { code: 0, limit: '8192\n' }, 'too much');
  t.match(rig.runWith({ RUST_LOG: 'error' }, 'many'), { code: 0, stderr: '' }, 'warnings can be hidden');
});

t.test('§4.4 _update_symlinks, §4.6 symlinks, §4.8 run-symlinks-as-commands', async t => {
  const home = join(rig.root, 'home');
  mkdirSync(join(rig.root, '.vagga/.cmd'), { recursive: true });
  writeFileSync(join(rig.root, '.vagga/.cmd/kept'), 'mine');
  t.equal(rig.runWith({ HOME: home }, '_update_symlinks').code, 0);
  t.same(rig.list('.vagga/.cmd'), ['kept', 'sayit', 'second']);
  t.same(rig.list('home/.vagga/cmd'), ['sayit', 'second']);
  const target = readlinkSync(join(rig.root, '.vagga/.cmd/sayit'));
  t.match(target, /\/vagga\/bin\/vagga\.cjs$/);
  const through = (name: string, ...words: string[]) => {
    const path = join(rig.root, '.vagga/.cmd', name);
    const { status, stdout, stderr } = spawnSync(path, words, { cwd: rig.root, encoding: 'utf8' });
    return { code: status, stdout, stderr };
  };
  t.match(
    through('sayit', '--help', '-x'),
    { code: 0, stdout: '--help -x\n' },
    'all words are the command’s',
  );
  symlinkSync(target, join(rig.root, '.vagga/.cmd/stranger'));
  t.match(through('stranger', '-V'), { code: 127, stderr: 'Can\'t find command "stranger"\n' });
  rig.write('.vagga.settings.yaml', 'run-symlinks-as-commands: false');
  t.match(through('stranger', '_relative_work_dir'), { code: 0, stdout: '\n' });
  rig.write('.vagga.settings.yaml', '');
  t.equal(rig.runWith({ HOME: home }, '_update_symlinks', '--local-only').code, 0);
  t.same(rig.list('.vagga/.cmd'), ['kept', 'sayit', 'second'], 'ours that nobody wants any more go');
  t.ok(lstatSync(join(rig.root, '.vagga/.cmd/kept')).isFile());
});

t.test('§4.4 _help, §4.4 _list, §4.4 _compgen', async t => {
  t.equal(rig.run('_help', 'env').stdout, 'Shows its environment\n\nUsage:\n  vagga env <OPTIONS>\n');
  t.equal(rig.run('_help', '_run').stdout, rig.run('_run', '--help').stdout);
  t.match(rig.run('_help', 'a'), { code: 121, stderr: 'Command a not found.\n' }, 'nor aliases');
  t.match(rig.run('_list', '--bad'), { code: 2, stderr: /vagga _list: Unknown option --bad\n$/ });
  const builtins = rig
    .run('_list', '-A', '--zsh')
    .stdout.split('\n')
    .filter(line => line.startsWith('_'));
  t.same(
    builtins.slice(0, 7).map(line => line.split(':', 1)[0]),
    ['_build', '_run', '_clean', '_list', '_base_dir', '_relative_work_dir', '_update_symlinks'],
  );
  t.notOk(
    builtins.some(line => line.startsWith('_devcontainer_tar')),
    'nothing for programs',
  );
  for (const line of builtins) {
    const [name = '', title] = line.split(':', 2);
    t.match(rig.run('_help', name).stdout, `${title}`.slice(0, 20), `help of ${name}`);
  }
  t.match(rig.run('_list', '--containers'), { code: 0, stdout: 'c\nedited\nfails\nplain\n', stderr: '' });
  t.equal(rig.run('_compgen', 'o', '--', 'x').stdout, '');
  t.equal(rig.run('_compgen', '--', 'en').stdout, 'env\n');
  t.equal(rig.run('_compgen', '_build').stdout, 'c\nedited\nfails\nplain\n');
  t.equal(rig.run('_compgen', '--', '--env').stdout, '--env\n--environ\n');
});

t.test('§1.6 work-dir, §1.6 run: what is not there is said, and not made', async t => {
  t.match(rig.run('unplaced'), {
    code: 124,
    stderr: 'work-dir /work/no/such does not exist in the container\n',
  });
  t.notOk(rig.has('no'), 'not in the project');
  t.match(rig.run('outside'), { code: 124, stderr: 'work-dir /no/such does not exist in the container\n' });
  t.notOk(rig.has('.vagga/plain/no'), 'nor in the image');
  t.match(rig.run('tool'), { code: 124, stderr: 'work-dir /bin/sh is not a directory\n' });
  t.match(rig.run('_run', 'plain', '/bin/nothing'), {
    code: 124,
    stderr: /^Command "\/bin\/nothing" not found\n$/,
  });
  t.match(rig.run('_run', 'plain', './nothing'), { code: 124 });
  t.match(rig.run('linked'), { code: 0, stdout: '/work/sub\n' }, 'through a symlink of the project');
  t.match(rig.run('volume'), { code: 0, stdout: 'ran\n' }, 'in a volume only the container can look');
});

t.test('§4.4 builtins first: those that vagga 0.8 did not have leave their names to the project', async t => {
  rig.write(
    'vagga.local.yaml',
    `commands:
  _logs: !Command {container: plain, run: echo mine, description: Mine}
  _run: !Command {container: plain, run: echo never}
`,
  );
  t.match(rig.run('_logs'), { code: 0, stdout: 'mine\n' });
  t.match(rig.run('_help', '_logs'), { code: 0, stdout: /^Mine\n/ });
  t.equal(rig.run('_list', '--all').stdout.match(/^_logs /gm)?.length, 1);
  t.equal(rig.runWith({ VAGGA_COMPLETE: '1' }, '_compgen', '--', '_log').stdout, '_logs\n');
  t.match(rig.run('_run'), { code: 122 }, 'an old one comes first, as ever');
  rig.write('vagga.local.yaml', '{}');
});
