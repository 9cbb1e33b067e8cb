// What a build gives its steps, what it does at the end, and what the user sees of it.
import { copyFileSync, readlinkSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';

const BASE = `    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/sh}
    - !Copy {source: /work/busybox, path: /bin/busybox}
`;

/** Looks of 20 ms for another step: in vain, or on a machine that does much else. */
const FEW_LOOKS = 50;
const MANY_LOOKS = 3000;

/** Each waits for the other, so they can only end together. */
const meeting = (own: string, other: string) =>
  `    - !Sh |
        touch /work/${own}
        i=0; until [ -e /work/${other} ]; do i=$((i+1)); [ $i -lt ${MANY_LOOKS} ]; /bin/busybox sleep 0.02; done
`.replaceAll('touch', '/bin/busybox touch');

const CONFIG = `containers:
  base:
    setup:
${BASE}  env:
    setup:
    - !Container base
    - !Env {MINE: here}
    - !Sh /bin/busybox env > /env; /bin/busybox id > /id; pwd >> /id; /bin/busybox cat | /bin/busybox wc -c >> /id; echo said
  finish:
    resolv-conf-path: /my/resolv.conf
    hosts-file-path: null
    setup:
    - !Container base
    - !EnsureDir /my
    - !EnsureDir /ensured
    - !EmptyDir /emptied
    - !Remove /gone
    - !Sh |
        /bin/busybox grep -q . /etc/hosts
        /bin/busybox rm -r /ensured; /bin/busybox mkdir -p /emptied /var/tmp; echo > /emptied/f; echo > /gone
        echo > /tmp/f; echo > /var/tmp/f; echo old > /my/resolv.conf; echo > /kept
  a:
    setup:
    - !Container base
${meeting('a-started', 'b-started')}  b:
    setup:
    - !Container base
${meeting('b-started', 'a-started')}  fails:
    setup:
    - !Container base
    - !Sh "i=0; until [ -e /work/slow-started ]; do i=$((i+1)); [ $i -lt ${MANY_LOOKS} ]; /bin/busybox sleep 0.02; done; exit 9"
  slow:
    setup:
    - !Container base
    - !Sh "/bin/busybox touch /work/slow-started; exec /bin/busybox sleep 7777"
commands:
  both: !Supervise
    children:
      a: !Command {container: a, run: [/bin/sh, -c, ":"]}
      b: !Command {container: b, run: [/bin/sh, -c, ":"]}
  bad: !Supervise
    children:
      fails: !Command {container: fails, run: [/bin/sh, -c, ":"]}
      slow: !Command {container: slow, run: [/bin/sh, -c, ":"]}
`;

function project(): Rig {
  const rig = new Rig();
  rig.write('vagga.yaml', CONFIG);
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  return rig;
}

t.test('§2.0 environment, §2.0 chroot, §4.8 proxy-env-vars: what a step finds', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const mine = {
    http_proxy: 'http://proxy.invalid:1',
    NO_PROXY: 'x',
    SECRET: 'word',
    TERM: 'xterm',
    HOME: '/root',
  };
  const built = await rig.start(['_build', 'env'], mine).ended;
  t.match(built, { code: 0, stdout: '' }, built.stderr);
  const names = () =>
    rig
      .read('.vagga/env/env')
      .trim()
      .split('\n')
      .filter(line => !/^(PWD|SHLVL|OLDPWD)=/.test(line))
      .sort();
  const usual = [
    'HOME=/tmp',
    'MINE=here',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'TERM=dumb',
  ];
  t.same(names(), [...usual, 'http_proxy=http://proxy.invalid:1'].sort());
  t.match(rig.read('.vagga/env/id'), /^uid=0.* gid=0.*\n\/work\n0\n$/);
  const settings = { ...mine, VAGGA_SETTINGS: 'proxy-env-vars: false' };
  const again = await rig.start(['_build', 'env'], settings).ended;
  t.equal(again.stderr, '', 'proxies are no part of an image');
  await rig.start(['_build', '--force', 'env'], settings).ended;
  t.same(names(), usual);
});

t.test('§2.0 finish-order: removed again, emptied, ensured, truncated', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const built = rig.run('_build', 'finish');
  t.equal(built.code, 0, built.stderr);
  for (const name of ['gone', 'emptied/f', 'tmp/f', 'var/tmp/f'])
    t.notOk(rig.has(`.vagga/finish/${name}`), name);
  for (const name of ['ensured', 'emptied', 'tmp', 'dev', 'proc', 'sys', 'run', 'work', 'kept'])
    t.ok(rig.has(`.vagga/finish/${name}`), name);
  for (const name of ['etc/resolv.conf', 'etc/hosts', 'my/resolv.conf'])
    t.equal(rig.read(`.vagga/finish/${name}`), '', name);
});

t.test('what a step says on its two outputs is logged in its order', async t => {
  const rig = new Rig();
  t.teardown(() => rig.remove());
  const script = 'i=0; while [ $i -lt 200 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done; exit 4';
  rig.write('vagga.yaml', `containers:\n  c:\n    setup:\n${BASE}    - !Cmd [/bin/sh, -c, '${script}']\n`);
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  t.match(rig.run('_build', 'c'), { code: 121, stderr: /^ {2}out199\n {2}err199\n\n/m });
  const expected = Array.from({ length: 200 }, (_, i) => `out${i}\nerr${i}\n`).join('');
  t.match(rig.read('.vagga/.roots/.tmp.c/build.log'), expected);
});

t.test('-j: containers that do not need each other are built at once', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  rig.write('vagga.yaml', CONFIG.replaceAll(`-lt ${MANY_LOOKS} `, `-lt ${FEW_LOOKS} `));
  const one = rig.run('-j', '1', 'both');
  t.equal(one.code, 121, 'one at a time they wait for each other in vain');
  rig.write('vagga.yaml', CONFIG);
  for (const name of ['a-started', 'b-started']) rmSync(join(rig.root, name), { force: true });
  const two = rig.run('-j', '2', 'both');
  t.equal(two.code, 0, two.stderr);
  t.match(two.stderr, /Container a \(\w+\) built/);
  t.match(two.stderr, /Container b \(\w+\) built/);
});

t.test('-j: the first failure ends the others, and is the one that is told', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const ended = rig.run('-j', '2', 'bad');
  t.equal(ended.code, 121);
  t.match(ended.stderr, /Error building container "fails": step .* exited with code 9/);
  t.notMatch(ended.stderr, /Error building container "slow"/);
  t.same(rig.processes('sleep 7777'), []);
  t.same(
    rig.list('.vagga/.roots').filter(name => name.startsWith('.tmp.slow') && !name.endsWith('.lock')),
    [],
  );
});

t.test('§4.7 RUST_LOG, §4.7 VAGGA_DEBUG_CMDENV: what is logged, for programs and for people', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const built = 'Container base \\([0-9a-f]{8}\\) built in \\d+ seconds\\.';
  const prefix = (level: string, module: string) =>
    `^ ${level} \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z: vagga::${module}: `;
  const edited = (name: string, variables: Record<string, string>) => {
    rig.write('vagga.yaml', CONFIG.replace('path: /bin/sh}', `path: /bin/${name}}`));
    return rig.runWith(variables, '_build', 'base').stderr;
  };
  t.match(edited('sh', {}), new RegExp(prefix('WARN', 'wrapper::build') + built, 'm'));
  t.notMatch(edited('s1', { RUST_LOG: 'error' }), /built in/);
  t.notMatch(edited('s2', { RUST_LOG: 'vagga::launcher=info' }), /built in/);
  rig.write('vagga.yaml', CONFIG.replace('path: /bin/sh}', 'path: /bin/s3}'));
  t.match(rig.inTerminal(['_build', 'base'], '').stdout, new RegExp(`(^|[\\r\\n])${built}`), 'a sentence');

  rig.write('vagga.yaml', CONFIG);
  t.match(rig.run('_build', 'env'), { code: 0 });
  const run = (variables: Record<string, string>, ...words: string[]) => rig.runWith(variables, ...words);
  t.notMatch(run({}, '_run', 'env', '/bin/sh', '-c', ':').stderr, /Running/);
  const info = run({ RUST_LOG: 'info' }, '_run', 'env', '/bin/sh', '-c', ':');
  t.match(info.stderr, new RegExp(`${prefix('INFO', 'wrapper::run')}Running \\["/bin/sh","-c",":"\\]$`, 'm'));
  const dump = run(
    { RUST_LOG: 'info', VAGGA_DEBUG_CMDENV: '1', VAGGAENV_SHOWN: 'x' },
    '_run',
    'env',
    '/bin/sh',
    '-c',
    ':',
  );
  t.match(dump.stderr, /Running \["\/bin\/sh","-c",":"\]; environ: \{.*"SHOWN":"x"/);
  const steps = run({ RUST_LOG: 'info', VAGGA_DEBUG_CMDENV: '1' }, '_build', '--force', 'env').stderr;
  t.match(
    steps,
    new RegExp(`${prefix('INFO', 'builder::commands')}Running \\["/bin/sh","-exc",.*"MINE":"here"`, 'm'),
  );
});

t.test('--progress: a line per step with its time and size, for people, programs and nobody', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const plain = rig.run('_build', 'base');
  t.match(plain.stderr, /^base \[1\/3\] !EnsureDir \/bin: done \(\d+\.\d s\)$/m);
  t.match(plain.stderr, /^base \[2\/3\] !Copy .*: done, \d\.\dMB \(\d+\.\d s\)$/m);
  t.match(
    plain.stderr,
    /^ WARN \d{4}-\d\d-\d\dT[\d:]{8}Z: vagga::wrapper::build: Container base \([0-9a-f]{8}\) built in \d+ seconds\.\n$/m,
  );
  rig.write('vagga.yaml', CONFIG.replaceAll('path: /bin/busybox', 'path: /bin/busy'));
  const json = rig.run('--progress=json', '_build', 'base');
  const events = json.stderr
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { event: string; title?: string; detail?: string; durationMs?: number });
  t.match(
    events.find(({ event, title }) => event === 'done' && /\[2\/3\]/.test(title ?? '')),
    { detail: /^cached, / },
  );
  t.type(events.find(({ event }) => event === 'done')?.durationMs, 'number');
  rig.write('vagga.yaml', CONFIG.replaceAll('path: /bin/busybox', 'path: /bin/bus'));
  t.same(rig.run('--progress=quiet', '_build', 'base'), { code: 0, stdout: '', stderr: '' });
  rig.write('vagga.yaml', CONFIG.replaceAll('path: /bin/busybox', 'path: /bin/b'));
  const terminal = rig.inTerminal(['_build', 'base'], '');
  t.match(terminal.stdout, /✔.* base \[3\/3\] !Copy .*: done, \d\.\dMB/);
  const image = dirname(readlinkSync(join(rig.root, '.vagga/base')));
  const timings = JSON.parse(rig.read(`.vagga/${image}/timings.json`)) as { how: string; seconds: number }[];
  t.same(
    timings.map(({ how }) => how),
    ['cached', 'cached', 'made'],
  );
  t.match(
    rig.read(`.vagga/${image}/timings.log`),
    /^ +\d+\.\d{3} +\d+\.\d{3} {3}Start \d+\.\d+\n.*Prepare\n(.*Step: .*\n){3}.*Finish\n$/,
  );
  t.match(rig.run('--progress=loud', '_build', 'base').code, 122);
});
