// Roll-out with lithos_switch, and everything that can be wrong in a config file while things run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { realDisk } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { install, installedText, restore } from '../../src/adapters/process-file.ts';
import { command, Host, isAlive, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';

async function runningHost(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  h.containerFile('web', SLEEP, 'restart-timeout: 0');
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  await h.start();
  await h.running('web.0');
  return h;
}

t.test(
  '§1.5 switch-steps, §1.5 switch-waits, §1.5 switch-no-tree: it validates, replaces, has it rolled out, waits',
  async t => {
    const h = await runningHost(t);
    const to = (text: string, ...options: string[]) =>
      h.run(
        'lithos_switch',
        '--master',
        h.path('master.yaml'),
        ...options,
        h.sandbox,
        h.write('new.yaml', text),
      );
    const installed = () => readFileSync(h.path(`processes/${h.sandbox}.yaml`), 'utf8');
    const before = await h.running('web.0');

    const more = 'web: {image: app.1, config: /config/web.yaml, instances: 2}\n';
    const switched = to(more, '--wait', '10', '--json');
    t.equal(switched.code, 0, switched.stderr);
    t.equal(JSON.parse(switched.stdout).result, 'switched');
    t.equal(h.instance('web.1')?.state, 'running', 'it runs when the command returns');
    t.equal(h.instance('web.0')?.pid, before.pid, 'what did not change was not touched');
    t.equal(installed(), more);

    const reloads = h.status()?.reloads;
    const same = to(more, '-v');
    t.equal(same.code, 0);
    t.match(same.stderr, 'has this content already');
    t.equal(h.status()?.reloads, reloads, 'nothing new, no signal');

    const bad = to(
      'web: {image: app.2, config: /config/web.yaml, instence: 3}\nother: {image: app.2, config: /config/web.yaml}\n',
    );
    t.equal(bad.code, 1);
    t.match(
      bad.stderr,
      /new\.yaml:1:47: error: the key "instence" is not known here\n.*\n.*~+\n.*did you mean instances\?/,
    );
    t.match(bad.stderr, /new\.yaml:2:16: error: image app\.2 does not exist/);
    t.equal(installed(), more, 'nothing was changed');
    t.equal(to(more, '--wait', 'long').code, 2);
    t.equal(h.run('lithos_switch', h.sandbox).code, 2, 'a missing argument is a usage error');

    h.containerFile('never', 'exit 1', 'restart-timeout: 100');
    t.equal(to('never: {image: app.1, config: /config/never.yaml}\n', '--wait', '1').code, 124);

    t.equal(await h.stop(), 0);
    const alone = to(more, '-v');
    t.equal(alone.code, 0);
    t.match(alone.stderr, 'no lithos_tree runs');
  },
);

t.test('lithos_switch works inside a container that shares the pid namespace', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const ctl = `${h.sandbox}-ctl`;
  const { mkdirSync } = await import('node:fs');
  const checkout = dirname(dirname(dirname(command('lithos_switch'))));
  const node = dirname(process.execPath);
  for (const path of [checkout, h.directory, node])
    mkdirSync(h.path(`images/app.1${path}`), { recursive: true });
  h.sandboxFile('share-namespaces: [pid]\ndefault-user: 0', ctl);
  const file = h.path(`sandboxes/${ctl}.yaml`);
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replace('default-user: 1000\n', '')
      .replace(/writable-paths: .*/, `writable-paths: {/processes: ${h.path('processes')}}`),
  );
  const script = `${process.execPath} ${command('lithos_switch')} -C ${h.path('master.yaml')} -v ${h.sandbox} ${h.path('processes/next')} 2>&1; echo code $?; ${SLEEP}`;
  const inUsr = node.startsWith('/usr/') || node === '/bin';
  h.containerFile('ctl', script, '', {
    volumes: [
      `  ${checkout}: !Readonly /host${checkout}`,
      `  ${h.directory}: !Readonly /host${h.directory}`,
      `  ${h.path('processes')}: !Persistent {path: /processes}`,
      ...(inUsr ? [] : [`  ${node}: !Readonly /host${node}`]),
    ].join('\n'),
  });
  h.containerFile('web', SLEEP);
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  h.processFile('ctl: {image: app.1, config: /config/ctl.yaml}\n', ctl);
  h.write('processes/next', 'web: {image: app.1, config: /config/web.yaml, instances: 2}\n');
  t.equal(h.check().stderr, '');
  await h.start();
  await h.running('web.1');
  await until('it has ended', () =>
    /code 0/.test(readFileSync(h.path(`log/stdio/${ctl}.ctl.0.log`), 'utf8')),
  );
  t.match(readFileSync(h.path(`log/stdio/${ctl}.ctl.0.log`), 'utf8'), /is rolled out: 2 of 2 run/);
});

t.test(
  'lithos_switch: from a pipe, dry run, back to the previous one, a version that does not work',
  async t => {
    const h = await runningHost(t);
    const master = h.path('master.yaml');
    const installed = () => readFileSync(h.path(`processes/${h.sandbox}.yaml`), 'utf8');
    const one = installed();
    const two = 'web: {image: app.1, config: /config/web.yaml, instances: 2}\n';
    const three = 'web: {image: app.1, config: /config/web.yaml, instances: 3}\n';
    const sh = (script: string) =>
      spawnSync('bash', ['-c', script, process.execPath, command('lithos_switch'), h.sandbox, master], {
        encoding: 'utf8',
        input: two,
      });

    const dry = h.run('lithos_switch', '-C', master, '--dry-run', h.sandbox, h.write('new.yaml', two));
    t.equal(dry.code, 0, dry.stderr);
    t.equal(
      dry.stdout,
      [
        `- ${one.trim()}`,
        `+ ${two.trim()}`,
        `${h.name('web.0')} stays as it is`,
        `${h.name('web.1')} starts`,
        '',
      ].join('\n'),
    );
    t.equal(installed(), one, 'nothing was changed');

    const stdin = sh('"$0" "$1" --master "$3" "$2" -');
    t.equal(stdin.status, 0, stdin.stderr);
    t.match(stdin.stderr, /rolling out .*: 2 of 2 run \(\d/, 'the roll-out is reported');
    t.equal(installed(), two);
    t.equal(h.instance('web.1')?.state, 'running', 'it waits without being asked to');
    const pipe = sh(`"$0" "$1" --master "$3" "$2" <(echo '${three.trim()}')`);
    t.equal(pipe.status, 0, pipe.stderr);
    t.equal(installed(), three);

    const back = h.run('lithos_switch', '-C', master, '-v', '--rollback', h.sandbox);
    t.equal(back.code, 0, back.stderr);
    t.equal(installed(), two);
    const names = () => h.status()?.instances.map(({ name }) => name);
    await until('the third is gone', () => names()?.join() === [h.name('web.0'), h.name('web.1')].join());
    t.equal(h.run('lithos_switch', '-C', master, '--rollback', h.sandbox).code, 0);
    t.equal(installed(), three, 'and forth');
    t.equal(h.run('lithos_switch', '-C', master, '--rollback', h.sandbox, 'x').code, 2);
    t.equal(h.run('lithos_switch', '-C', master, '--wait', '1', '--no-wait', h.sandbox, 'x').code, 2);
    t.match(h.run('lithos_switch', '-C', master, 'nobody', h.path('new.yaml')), {
      code: 1,
      stderr: /there is no sandbox nobody/,
    });
    t.match(h.run('lithos_switch', '-C', master, h.sandbox, h.path('none.yaml')), {
      code: 1,
      stderr: /none\.yaml does not exist/,
    });

    h.containerFile(
      'broken',
      'echo no such table; exit 3',
      'restart-timeout: 0\nmax-failures: 2\nreadiness: !Tcp {port: 9}',
    );
    const broken = h.write('broken.yaml', 'web: {image: app.1, config: /config/broken.yaml}\n');
    const failed = h.run('lithos_switch', '-C', master, h.sandbox, broken);
    t.equal(failed.code, 1);
    t.match(
      failed.stderr,
      new RegExp(`${h.name('web.0')}: failed: 2 failures in a row.*last exited with code 3`),
    );
    t.match(failed.stderr, /^ {4}\S+ no such table$/m, 'its last words');
    t.match(failed.stderr, 'is in place, but');
    const again = h.run('lithos_switch', '-C', master, '--json', h.sandbox, broken);
    t.match(JSON.parse(again.stdout), {
      result: 'failed',
      troubles: [{ name: h.name('web.0'), log: [/no such table/] }],
    });
    t.equal(
      h.run('lithos_switch', '-C', master, '--no-wait', h.sandbox, h.write('three.yaml', three)).code,
      0,
    );
    t.equal(installed(), three);
  },
);

t.test('lithos_switch: when the tree goes back, so does the file', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.sandboxFile('rolling-update: {timeout: 20}');
  h.containerFile(
    'web',
    `[ "$V" = bad ] && { echo no such table; exit 7; }; ${SLEEP}`,
    'restart-timeout: 0\nvariables: {v: !Name }',
    {
      environ: 'V: "@{v}"',
    },
  );
  const version = (v: string) =>
    `web: {image: app.1, config: /config/web.yaml, instances: 2, variables: {v: ${v}}}\n`;
  const file = h.processFile(version('one'));
  await h.start();
  const before = [await h.running('web.0'), await h.running('web.1')];
  const switchTo = (v: string, ...options: string[]) =>
    h.run(
      'lithos_switch',
      '-C',
      h.path('master.yaml'),
      ...options,
      h.sandbox,
      h.write('new.yaml', version(v)),
    );
  const bad = switchTo('bad');
  t.equal(bad.code, 1, bad.stderr);
  t.match(
    bad.stderr,
    /web: the tree went back to the previous configuration: .*web\.0 fails again and again/,
  );
  t.match(bad.stderr, 'the file is the previous one again');
  t.equal(readFileSync(h.path(`processes/.${h.sandbox}.yaml.refused`), 'utf8'), version('bad'));
  t.match(bad.stderr, /^ {4}\S+ no such table$/m, 'with the last words of the one that failed');
  t.equal(readFileSync(file, 'utf8'), version('one'));
  t.equal((await h.running('web.1')).pid, before[1]?.pid, 'the other one was not touched');
  t.match(await h.running('web.0'), { identity: /"v":"one"/ });
  const again = switchTo('bad', '--json');
  t.match({ code: again.code, ...JSON.parse(again.stdout) }, { code: 1, result: 'rolled-back' });
  t.equal(readFileSync(file, 'utf8'), version('one'));
  const good = switchTo('two');
  t.equal(good.code, 0, good.stderr);
  t.match(h.status()?.rollouts, [{ state: 'done', done: 2, total: 2 }], 'it came back when all was done');
  t.equal(switchTo('two', '-v').code, 0);
  t.equal(switchTo('bad').code, 1);
  const back = h.run('lithos_switch', '-C', h.path('master.yaml'), '--rollback', h.sandbox);
  t.equal(back.code, 0, back.stderr);
  t.equal(readFileSync(file, 'utf8'), version('one'), '--rollback never leads to a refused one');
});

t.test('lithos_switch: a secret that nobody can decrypt is found before anything is replaced', async t => {
  const h = await runningHost(t);
  const key = h.path('key');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const of = (namespace: string) =>
    h.run('lithos_crypt', 'encrypt', '-k', `${key}.pub`, '-n', namespace, '-d', 'x').stdout.trim();
  h.sandboxFile(`secrets-private-key: ${key}\nsecrets-namespaces: [ours]`);
  const file = h.write('new.yaml', 'web: {image: app.1, config: /config/next.yaml}\n');
  const switchTo = (value: string) => {
    h.containerFile('next', SLEEP, `secret-environ: {PASSWORD: "${value}"}`);
    return h.run('lithos_switch', '-C', h.path('master.yaml'), h.sandbox, file);
  };
  const before = await h.running('web.0');
  const refused = switchTo(of('theirs'));
  t.match(refused, { code: 1, stderr: /`PASSWORD` cannot be used: its namespace `theirs`/ });
  t.equal((await h.running('web.0')).pid, before.pid);
  t.equal(switchTo(of('ours')).code, 0);
  const wrong = (name: string) => h.run('lithos_crypt', 'encrypt', '-k', name, '-d', 'x').stderr;
  t.match(wrong('nowhere.pub'), /^lithos_crypt: nowhere\.pub: it does not exist/);
  t.match(wrong(key), /^lithos_crypt: \S+key: it does not start with ssh-ed25519/);
});

t.test('lithos_switch tells at once, not only at the end, who cannot be started', async t => {
  const h = await runningHost(t);
  h.containerFile('broken', 'echo no such table; exit 7', 'restart-timeout: 0');
  const file = h.write('new.yaml', 'web: {image: app.1, config: /config/broken.yaml}\n');
  const late = h.run('lithos_switch', '-C', h.path('master.yaml'), '--wait', '4', h.sandbox, file);
  t.equal(late.code, 124);
  const lines = late.stderr.split('\n').filter(line => line === `  ${h.name('web.0')}: exited with code 7`);
  t.equal(lines.length, 1, late.stderr);
  const missing = h.run('lithos_switch', '-C', h.path('master.yaml'), h.sandbox, 'nowhere.yaml');
  t.match(missing, { code: 1, stderr: 'lithos_switch: nowhere.yaml does not exist\n' });
  const nobody = h.run('lithos_switch', '-C', h.path('master.yaml'), 'nobody', file);
  t.match(
    nobody.stderr,
    /sandboxes\/nobody\.yaml:1:1: error: there is no sandbox nobody: this file does not exist/,
  );
});

t.test('lithos_switch: an error in another sandbox does not keep this one from being changed', async t => {
  const h = await runningHost(t);
  const other = `${h.sandbox}-b`;
  h.sandboxFile('', other);
  h.processFile('web: {image: app.9, config: /config/web.yaml}\n', other);
  const new_ = h.write('new.yaml', 'web: {image: app.1, config: /config/web.yaml, instances: 2}\n');
  const done = h.run('lithos_switch', '-C', h.path('master.yaml'), h.sandbox, new_);
  t.equal(done.code, 0, done.stderr);
  t.match(done.stderr, /warning: 1 error in other sandboxes/);
  h.sandboxFile('config-file: elsewhere.yaml', other);
  const moved = h.run('lithos_switch', '-C', h.path('master.yaml'), other, new_);
  t.equal(moved.code, 0, moved.stderr);
  t.equal(
    readFileSync(h.path('processes/elsewhere.yaml'), 'utf8'),
    readFileSync(new_, 'utf8'),
    '§1.5 switch-target: config-file says where',
  );
});

t.test('lithos_switch: several at once, one after the other', async t => {
  const h = await runningHost(t);
  const texts = [2, 3, 4].map(
    count => `web: {image: app.1, config: /config/web.yaml, instances: ${count}}\n`,
  );
  const runs = texts.map((text, index) => {
    const file = h.write(`new${index}.yaml`, text);
    return spawn(
      process.execPath,
      [command('lithos_switch'), '-C', h.path('master.yaml'), '--no-wait', h.sandbox, file],
      { stdio: 'ignore' },
    );
  });
  t.same(await Promise.all(runs.map(async child => (await once(child, 'exit'))[0])), [0, 0, 0]);
  const read = (name: string) => readFileSync(h.path(`processes/${name}`), 'utf8');
  const [last, previous] = [read(`${h.sandbox}.yaml`), read(`.${h.sandbox}.yaml.previous`)];
  t.ok(
    texts.includes(last) && texts.includes(previous) && last !== previous,
    'both are whole, and another one',
  );
  const count = Number(/instances: (\d)/.exec(last)?.[1]);
  await until('the last one is in force', () => h.status()?.instances.length === count);
});

interface Bad {
  readonly what: string;
  /** Below the host's directory; SANDBOX stands for the name of the sandbox. */
  readonly file: string;
  readonly change: (text: string) => string;
  readonly errors: readonly RegExp[];
}

/** Adds lines; a key that is there already is replaced. */
const change =
  (...lines: string[]) =>
  (text: string) => {
    const keys = lines.map(line => line.slice(0, line.indexOf(':')));
    const kept = text.split('\n').filter(line => !keys.some(key => line.startsWith(`${key}:`)));
    return [...kept, ...lines, ''].join('\n');
  };

const BAD: readonly Bad[] = [
  {
    what: 'master: unknown key, wrong type, bad tag and a path out of the cgroups, all at once',
    file: 'master.yaml',
    change: change(
      'runtime_dr: /x',
      'log-level: loud',
      'log-file: [a]',
      'cgroup-name: ../up',
      'config-log-dir: !Dir /x',
    ),
    errors: [
      /master\.yaml:\d+:1: error: the key "runtime_dr" is not known here/,
      /did you mean runtime-dir\?/,
      /"loud" is not one of error, warn/,
      /cgroup-name/,
      /master\.yaml:\d+:17: error: no tag is expected here, but !Dir is given/,
    ],
  },
  {
    what: 'master: an alias that contains itself',
    file: 'master.yaml',
    change: change('_loop: &a {x: *a}'),
    errors: [/master\.yaml:\d+:\d+: error: .*\*?a/],
  },
  {
    what: 'sandbox: unknown key, wrong type, bad range and a network that is none',
    file: 'sandboxes/SANDBOX.yaml',
    change: change(
      'allow_user: [1]',
      'image-dir-levels: many',
      'allow-groups: [9-1]',
      'bridged-network: {bridge: br0, network: 10.0.0.0/33}',
      'allow-capabilities: [KILLL]',
      'readonly-paths: !Map {}',
    ),
    errors: [
      /the key "allow_user" is not known here/,
      /did you mean allow-users\?/,
      /:\d+:19: error: "many" is not a whole number/,
      /10\.0\.0\.0\/33 is no network/,
      /KILLL is no Linux capability/,
      /no tag is expected here, but !Map is given/,
    ],
  },
  {
    what: 'process: unknown key, wrong type, missing image, missing config, bad name, bad variable',
    file: 'processes/SANDBOX.yaml',
    change: () =>
      [
        'web: {image: app.1, config: /config/web.yaml, instances: some}',
        'gone: {image: app.9, config: /config/web.yaml}',
        'deep: {image: ../app.1, config: /config/web.yaml}',
        'lost: {image: app.1, config: /config/none.yaml}',
        'rel: {image: app.1, config: config/web.yaml}',
        'bad name: {image: app.1, config: /config/web.yaml}',
        'typo: {image: app.1, config: /config/web.yaml, ip-addresses: [10.0.0.], kinds: Daemon}',
        'tag: !App {image: app.1, config: /config/web.yaml}',
      ].join('\n'),
    errors: [
      /yaml:1:58: error: "some" is not a whole number/,
      /yaml:2:15: error: image app\.9 does not exist/,
      /yaml:3:15: error: `\.\.\/app\.1` is no image name/,
      /yaml:4:30: error: \/config\/none\.yaml is no file of image app\.1/,
      /yaml:5:29: error: the path must start with \//,
      /yaml:6:1: error: `bad name` is no process name/,
      /yaml:7:63: error: 10\.0\.0\. is no IP address/,
      /yaml:7:73: error: the key "kinds" is not known here/,
      /yaml:8:6: error: no tag is expected here, but !App is given/,
    ],
  },
  {
    what: "process: an include, which only images of one's own could need",
    file: 'processes/SANDBOX.yaml',
    change: () => 'web: !*Include other.yaml',
    errors: [/yaml:1:\d+: error: /],
  },
  {
    what: 'container: unknown key, wrong type, bad tag, undeclared variable, what the sandbox forbids',
    file: 'images/app.1/config/web.yaml',
    change: text =>
      [
        text
          .replace('volumes:\n', 'volumes:\n  /etc: !Tmpf {}\n  /tmp: !Persistent {path: /elsewhere}\n')
          .replace('/usr/bin:/bin', '"@{nowhere}"'),
        'user-id: 5',
        'memory-limit: lots',
        'restart_timeot: 3',
        'tcp-ports: {80: {fd: 2}}',
        'variables: {v: !Port}',
        'capabilities: [SYS_ADMIN]',
      ].join('\n'),
    errors: [
      /the tag !Tmpf is not known here/,
      /did you mean !Tmpfs\?/,
      /"lots" is not a whole number/,
      /the key "restart_timeot" is not known here/,
      /descriptors 0, 1 and 2 are stdin, stdout and stderr/,
      /the tag !Port is not known here/,
    ],
  },
  {
    what: 'container: rules between files',
    file: 'images/app.1/config/web.yaml',
    change: text =>
      [
        text
          .replace('volumes:\n', 'volumes:\n  /nowhere: !Tmpfs\n  /tmp: !Persistent {path: /elsewhere}\n')
          .replace('/usr/bin:/bin', '"@{nowhere}"'),
        'user-id: 5',
        'kind: Command',
        'variables: {port: !TcpPort}',
        'capabilities: [SYS_ADMIN]',
      ].join('\n'),
    errors: [
      /`@\{nowhere\}` is not declared in `variables`/,
      /user 5 is not in `allow-users` of sandbox .*: it allows 0, 1000-2000/,
      /the process entry `web` is a Daemon, this container config a Command/,
      /no entry of `writable-paths` of sandbox .* covers `\/elsewhere`/,
      /the variable `port` that \/config\/web\.yaml declares has no value/,
      /capability SYS_ADMIN is not in `allow-capabilities`/,
    ],
  },
];

t.test('bad input: every error at once with its place, what runs is not touched, exit code 1', async t => {
  const h = await runningHost(t);
  const { pid } = await h.running('web.0');
  for (const { what, file, change, errors } of BAD) {
    const path = h.path(file.replace('SANDBOX', h.sandbox));
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, change(good));
    const checked = h.check();
    t.equal(checked.code, 1, what);
    for (const error of errors) t.match(checked.stderr, error, `${what}: ${error}`);
    t.match(checked.stderr, /lithos_check \S+: \d+ errors?\n$/);
    await h.reload();
    const status = h.status();
    if (file === 'master.yaml') t.ok((status?.errors.length ?? 0) > 0, `${what}: the status says so`);
    else t.match(status?.sandboxes, [{ ok: false }], `${what}: the status says so`);
    t.equal(h.instance('web.0')?.pid, pid, `${what}: the running one is not touched`);
    t.ok(isAlive(pid));
    writeFileSync(path, good);
  }
  t.match(h.log(), 'its last good configuration stays in force');
  await h.reload();
  t.match(h.status()?.sandboxes, [{ ok: true }]);
  t.equal(h.instance('web.0')?.pid, pid);
});

t.test(
  'the last good configuration survives the supervisor; a vanished directory retires nothing',
  async t => {
    const h = await runningHost(t);
    const { pid } = await h.running('web.0');
    const file = h.path(`processes/${h.sandbox}.yaml`);
    writeFileSync(file, 'web: [\n');
    await h.crash();
    await h.start();
    t.equal((await h.running('web.0')).pid, pid, 'started again while the file is broken');
    t.match(
      h.run('lithos_ps', '-C', h.path('master.yaml')).stdout,
      /last good configuration in force: .*yaml:\d+:\d+: /,
    );
    renameSync(h.path('sandboxes'), h.path('moved'));
    await h.reload();
    t.match(h.status()?.errors, [/sandboxes-dir .* does not exist/]);
    t.equal((await h.running('web.0')).pid, pid);
    renameSync(h.path('moved'), h.path('sandboxes'));
    renameSync(h.path(`sandboxes/${h.sandbox}.yaml`), h.path('sandboxes/.hidden.yaml'));
    await h.reload();
    await until(
      'a sandbox that was taken away is retired',
      () => !isAlive(pid) && h.instance('web.0') === undefined,
    );
    renameSync(h.path('sandboxes/.hidden.yaml'), h.path(`sandboxes/${h.sandbox}.yaml`));
    await h.reload();
    t.equal(h.instance('web.0'), undefined, 'one that comes back is a new one: nothing is good of it yet');
    h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
    await h.reload();
    const again = await h.running('web.0');
    writeFileSync(file, 'web: [\n');
    await h.crash();
    await h.start();
    t.equal((await h.running('web.0')).pid, again.pid, 'and is kept anew');
  },
);

t.test('without a good configuration what is valid runs', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile('web', SLEEP);
  h.processFile(
    'web: {image: app.1, config: /config/web.yaml}\nbad: {image: none, config: /config/web.yaml}\n',
  );
  await h.start();
  await h.running('web.0');
  t.equal(h.instance('bad.0'), undefined);
  const offline = h.run('lithos_check', '--check-container', h.path('images/app.1/config/web.yaml'));
  t.equal(offline.code, 0, offline.stderr);
  h.containerFile('odd', 'echo @{x}', 'tcp-ports: {1: {fd: 3}}');
  const odd = h.run('lithos_check', '--json', '--check-container', h.path('images/app.1/config/odd.yaml'));
  t.equal(odd.code, 1);
  t.match(JSON.parse(odd.stdout).diagnostics, [{ severity: 'error', line: Number }]);
});

t.test('every command has help and a version, and refuses what it does not know', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  for (const name of ['lithos_tree', 'lithos_check', 'lithos_switch', 'lithos_ps']) {
    const help = h.run(name, '--help');
    t.equal(help.code, 0);
    t.match(help.stdout, `Usage: ${name}`);
    t.match(h.run(name, '--version').stdout, /^lithos_\w+ \d+\.\d+\.\d+\n$/);
    const wrong = h.run(name, '--confg', 'x');
    t.equal(wrong.code, 2);
    t.match(wrong.stderr, /--config/);
  }
  const missing = h.run('lithos_tree', '-C', h.path('none.yaml'));
  t.equal(missing.code, 1);
  t.match(missing.stderr, /^Fatal error: .*none\.yaml does not exist|none\.yaml:1:1/);
  t.equal(h.run('lithos_ps', '-C', h.path('none.yaml')).code, 1);
});

t.test('lithos_switch is not taken in by a reading that began before its file was in place', async t => {
  const h = await runningHost(t);
  const good = readFileSync(h.path(`processes/${h.sandbox}.yaml`), 'utf8');
  const mended = good.replace('}', ', instances: 2}');
  h.processFile(good.replace('app.1', 'app.9'));
  await h.reload();
  t.match(h.status()?.sandboxes, [{ ok: false }]);
  const pid = h.treePid();
  // Somebody else changes other sandboxes all the time: at every moment a reading has just begun, or ended.
  const storm = spawn('sh', ['-c', `while kill -HUP ${pid}; do :; done`], { stdio: 'ignore' });
  t.teardown(() => storm.kill('SIGKILL'));
  const done = h.run('lithos_switch', '-C', h.path('master.yaml'), h.sandbox, h.write('new.yaml', mended));
  t.equal(done.code, 0, done.stderr);
  t.equal(readFileSync(h.path(`processes/${h.sandbox}.yaml`), 'utf8'), mended);
});

t.test('lithos_switch says when another file counts by now, or nobody is left to read it', async t => {
  const h = await runningHost(t);
  h.containerFile('never', SLEEP, 'readiness: !Tcp {port: 9}');
  const master = h.path('master.yaml');
  const begin = (name: string) => {
    const file = h.write('new.yaml', `web: {image: app.1, config: /config/${name}.yaml}\n`);
    const child = spawn(process.execPath, [command('lithos_switch'), '-C', master, h.sandbox, file]);
    let said = '';
    child.stderr.on('data', chunk => {
      said += chunk;
    });
    return once(child, 'close').then(([code]) => ({ code, said }));
  };
  const first = begin('never');
  await until('it waits', () => h.instance('web.0')?.identity?.includes('never'));
  t.equal((await begin('web')).code, 0);
  t.match(await first, { code: 1, said: /was replaced again by somebody else: that one counts now/ });
  const last = begin('never');
  await until('it waits', () => h.instance('web.0')?.identity?.includes('never'));
  const stop = h.stop();
  t.match(await last, { code: 124, said: /is in place; lithos_tree is stopping, the next one will read it/ });
  t.equal(await stop, 0);
});

t.test(
  'a directory of process files that is just being replaced stops nothing, and no image goes',
  async t => {
    const h = await runningHost(t);
    const { pid } = await h.running('web.0');
    const [there, away] = [h.path('processes'), h.path('processes.old')];
    renameSync(there, away);
    await h.reload();
    t.equal((await h.running('web.0')).pid, pid);
    const why = `${there} does not exist: make it, empty if nothing is to run`;
    t.match(h.status()?.sandboxes, [{ ok: false, errors: [new RegExp(why)] }]);
    t.match(h.check(), { code: 1, stderr: why });
    t.match(h.run('lithos_clean', '-C', h.path('master.yaml'), '--unused'), { code: 1, stderr: why });
    renameSync(away, there);
    await h.reload();
    t.match(h.status()?.sandboxes, [{ ok: true }]);
    rmSync(join(there, `${h.sandbox}.yaml`));
    await h.reload();
    await until('without its own file it is not wanted any more', () => !isAlive(pid));
  },
);

t.test('a process file that is closed to others stays so', async t => {
  const file = join(t.testdir({ 'web.yaml': 'first' }), 'web.yaml');
  chmodSync(file, 0o600);
  const older = await install(realDisk, file, 'second');
  const modes = () =>
    readdirSync(dirname(file)).map(name => statSync(join(dirname(file), name)).mode & 0o777);
  t.same(modes(), [0o600, 0o600]);
  await restore(realDisk, file, 'second', older);
  t.same(modes(), [0o600, 0o600]);
  const fresh = join(dirname(file), 'new.yaml');
  await install(realDisk, fresh, 'first');
  t.equal(statSync(fresh).mode & 0o777, 0o644);
});

t.test('what was in force long ago is not put back after a first configuration that fails', async t => {
  const file = join(t.testdir({}), 'web.yaml');
  await install(realDisk, file, 'first');
  const older = await install(realDisk, file, 'second');
  t.equal(await restore(realDisk, file, 'second', older), true);
  t.equal(await installedText(realDisk, file), 'first');
  await install(realDisk, file, 'third');
  rmSync(file);
  const oldest = await install(realDisk, file, 'new');
  t.equal(await restore(realDisk, file, 'new', oldest), false);
  t.equal(await installedText(realDisk, file), 'new');
});
