// What lithos_ps shows, while the tree runs, while it is dead, and to others than root.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { command, Host, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const ESCAPE = '\x1b';
const BUSY = 'while :; do :; done';

async function host(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  h.containerFile('web', SLEEP, 'restart-timeout: 0');
  h.containerFile('busy', BUSY);
  h.containerFile(
    'bad',
    'for n in 1 2 3 4 5 6; do echo line $n; echo more $n; done; exit 3',
    'restart-timeout: 0\nmax-failures: 2',
  );
  h.processFile(
    [
      'web: {image: app.1, config: /config/web.yaml, instances: 2}',
      'busy: {image: app.1, config: /config/busy.yaml}',
      'bad: {image: app.1, config: /config/bad.yaml}',
      '',
    ].join('\n'),
  );
  await h.start();
  await h.running('web.0');
  await h.running('web.1');
  await h.running('busy.0');
  await until('it has failed', () => h.instance('bad.0')?.state === 'failed');
  // The init, the shell and what it waits for.
  for (const name of ['web.0', 'web.1'])
    await until(`${name} sleeps`, () => processesOf(h.name(name)).length === 3);
  return h;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

t.test(
  '§1.6 ps-tree, §1.6 ps-failing, §1.6 ps-colour: the tree, filters, and why something does not run',
  async t => {
    const h = await host(t);
    const master = h.path('master.yaml');
    t.match(h.run('lithos_ps').stdout, new RegExp(`^${h.treePid()} tree `, 'm'), 'every tree of this host');
    const { code, stdout } = h.run('lithos_ps', '-C', master);
    t.equal(code, 0);
    const lines = stdout.split('\n');
    const name = (instance: string) => escaped(h.name(instance));
    t.match(
      lines[0],
      new RegExp(`^${h.treePid()} tree ${escaped(master)} \\[\\d+/\\d+\\] [\\d.]+[kMG]iB$`),
      'root line',
    );
    t.match(lines[1], new RegExp(`^  └─${escaped(h.sandbox)} \\[\\d+/\\d+\\] `), 'sandbox line');
    t.match(
      lines[2],
      new RegExp(
        `^      ├─\\(-\\) ${name('bad.0')} <failing> \\(failed: 2 failures in a row, the last one: exited with code 3, 1 restart, last exited with code 3\\)$`,
      ),
      'failing mark, with the reason',
    );
    const log = lines.slice(3, 13);
    t.match(log[0], /^ {6}│ {3}\| \S+ line 2$/, 'its ten last lines');
    t.match(log[9], /^ {6}│ {3}\| \S+ more 6$/);
    t.match(
      lines[13],
      new RegExp(`^      ├─\\d+ ${name('busy.0')} \\d+s \\[1/1\\] [\\d.]+[kM]iB \\(cpu [\\d.]+%\\)$`),
      'single instance line',
    );
    t.match(lines[14], new RegExp(`^      └─${escaped(h.sandbox)}/web \\[4/4\\] `), 'process line');
    t.match(
      lines[15],
      new RegExp(`^          ├─\\d+ ${name('web.0')} \\d+s \\[2/2\\] [\\d.]+[kM]iB$`),
      'instance line',
    );
    t.match(lines[16], new RegExp(`^          └─\\d+ ${name('web.1')} `));
    t.same(lines.slice(17), ['']);

    const coloured = h.run('lithos_ps', '-C', master, '--force-color', h.name('web.0')).stdout;
    t.match(coloured, new RegExp(`${ESCAPE}\\[32m\\d+${ESCAPE}\\[39m`), 'pid green');
    t.match(coloured, new RegExp(`${ESCAPE}\\[31m\\d+s${ESCAPE}\\[39m`), 'uptime red below 30 s');
    t.notMatch(coloured, h.name('web.1'), 'only what was asked for');
    t.notMatch(h.run('lithos_ps', '-C', master, '--no-color').stdout, ESCAPE);
    const process = h.run('lithos_ps', '-C', master, `${h.sandbox}/web`).stdout;
    t.match(process, h.name('web.1'));
    t.notMatch(process, h.name('busy.0'));
    t.match(h.run('lithos_ps', '-C', master, 'nothing'), { code: 1, stderr: /nothing is called nothing/ });

    const wrong = h.run('lithos_ps', '-C', master, h.name('wbe.1'));
    t.match(wrong, { code: 1, stderr: `did you mean ${h.name('web.1')}?` });

    h.containerFile('soon', 'exit 4', 'restart-timeout: 50');
    h.processFile('soon: {image: app.1, config: /config/soon.yaml}\n');
    await h.reload();
    await until('it waits', () => h.instance('soon.0')?.state === 'waiting');
    t.match(
      h.run('lithos_ps', '-C', master).stdout,
      /<failing> \(waiting: starts again in \d+ s, last exited with code 4\)/,
    );
  },
);

t.test(
  'what cannot be shown is told: a sandbox that never was right, a master file that is wrong now',
  async t => {
    const h = await host(t);
    const master = h.path('master.yaml');
    const other = `${h.sandbox}-other`;
    h.sandboxFile('alow-users: [3]', other);
    await h.reload();
    const all = h.run('lithos_ps', '-C', master);
    const said = new RegExp(
      `^  └─${escaped(other)} nothing runs: \\S+:\\d+:1: the key "alow-users" is not known`,
      'm',
    );
    t.match(all.stdout, said);
    t.match(h.run('lithos_ps', '-C', master, other), { code: 0, stdout: said });
    t.notMatch(h.run('lithos_ps', '-C', master, h.name('web')).stdout, other);
    writeFileSync(master, 'runtimedir: /x\n');
    for (const options of [[], ['-C', master]]) {
      const { stdout, stderr } = h.run('lithos_ps', ...options);
      t.notMatch(stdout, h.sandbox);
      t.match(
        stderr,
        `lithos_tree (pid ${h.treePid()}) runs, but cannot be shown: ${master}:1:1: the key "runtimedir"`,
      );
    }
  },
);

t.test(
  'neither a user who calls his program lithos_tree nor a program without manners reaches our terminal',
  async t => {
    const h = await host(t);
    chmodSync(h.directory, 0o755);
    const script = h.write('theirs/lithos_tree.cjs', 'console.log("ready"); setInterval(() => 0, 1000)');
    const options = { uid: 65_534, gid: 65_534 };
    const theirs = spawn(process.execPath, [script, '-C', '/nowhere.yaml'], options);
    t.teardown(() => theirs.kill('SIGKILL'));
    await once(theirs.stdout, 'data');
    const all = h.run('lithos_ps');
    t.match(all.stdout, h.name('web'));
    t.notMatch(all.stderr, 'nowhere.yaml');
    h.containerFile('bad', 'printf "a\\tb\\033[2Jc\\n"; exit 3', 'restart-timeout: 0\nmax-failures: 2');
    h.image('app.2');
    h.processFile('bad: {image: app.1, config: /config/bad.yaml, variables: {a: b}}\n');
    await h.reload();
    await until('it has spoken', () => h.output('bad.0').some(line => line.includes(ESCAPE)));
    await until('it has failed', () => h.instance('bad.0')?.state === 'failed');
    const shown = h.run('lithos_ps', '-C', h.path('master.yaml')).stdout;
    t.match(shown, 'a\tb\ufffd[2Jc');
    t.notMatch(shown, ESCAPE);
  },
);

t.test('§1.6 ps-json: the documented shape and more, also while the tree is dead', async t => {
  const h = await host(t);
  const master = h.path('master.yaml');
  const look = () => JSON.parse(h.run('lithos_ps', '-C', master, '--json').stdout).trees[0];
  const tree = look();
  t.match(tree, { pid: h.treePid(), config: master, rollouts: [], errors: [], sandboxes: [{ ok: true }] });
  t.same(
    tree.children.map((child: { name: string }) => child.name),
    ['bad.0', 'busy.0', 'web.0', 'web.1'].map(each => h.name(each)),
    'children sorted',
  );
  const [bad, busy, web] = tree.children;
  t.match(bad, {
    ok: false,
    pid: 0,
    processes: [],
    state: 'failed',
    failures: 2,
    log: Array,
    cpu_percent: 0,
  });
  t.equal(bad.log.length, 10);
  t.match(web, {
    ok: true,
    state: 'running',
    ready: true,
    words: 'running',
    restarts: 0,
    last_exit: null,
    log: [],
  });
  t.match(
    web.processes,
    [
      {
        pid: await h.app('web.0'),
        processes: 2,
        threads: 2,
        mem_rss: Number,
        mem_swap: Number,
        start_time: Number,
        user_time: Number,
        system_time: Number,
        child_user_time: Number,
        child_system_time: Number,
      },
    ],
    'process fields',
  );
  t.ok(Math.abs(web.processes[0].start_time - Date.now() / 1000) < 60, 'start_time in seconds since 1970');
  await until('it has used some CPU', () => look().children[1].cpu_percent > 5);
  t.ok(busy.ok);

  await h.crash();
  const text = h.run('lithos_ps', '-C', master).stdout;
  t.match(text, /^- tree .* \(not running\)/);
  t.match(text, h.name('web.1'), 'containers are seen without their supervisor');
  t.equal(look().pid, 0);
  await h.start();
  h.signal('SIGSTOP');
  const stopped = look();
  h.signal('SIGCONT');
  t.match(stopped.children[0], { state: 'failed' }, 'a tree that does not answer has its file');
});

t.test(
  'lithos_ps --security: what confines each instance, what was relaxed; also for others than root',
  async t => {
    const h = await host(t);
    const master = h.path('master.yaml');
    const { stdout } = h.run('lithos_ps', '-C', master, '--security', h.name('web.0'));
    t.match(stdout, /^ +new-privileges +never$/m);
    t.match(stdout, /^ +seccomp +default list$/m);
    t.match(stdout, /^ +live-seccomp +filter$/m, 'what the kernel says');
    t.match(stdout, /^ +capabilities +none$/m, 'nothing was asked for');
    h.sandboxFile('allow-capabilities: [KILL]');
    h.containerFile('lax', SLEEP, 'capabilities: [KILL]');
    h.processFile('lax: {image: app.1, config: /config/lax.yaml}\n');
    await h.reload();
    await h.running('lax.0');
    const lax = h.run('lithos_ps', '-C', master, '--security').stdout;
    t.match(lax, /^ +! +capabilities +KILL$/m);
    const json = JSON.parse(h.run('lithos_ps', '-C', master, '--security', '--json').stdout);
    const facts: { name: string; relaxed: boolean }[] = json.trees[0].children[0].security;
    t.match(
      facts.find(({ name }) => name === 'live-capabilities'),
      { value: 'KILL', relaxed: true },
    );

    for (const path of [h.directory, h.path('run')]) chmodSync(path, 0o755);
    const asNobody = spawnSync(
      'setpriv',
      [
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        process.execPath,
        command('lithos_ps'),
        '-C',
        master,
        '--security',
      ],
      { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', NO_COLOR: '1' } },
    );
    t.equal(asNobody.status, 0, asNobody.stderr);
    t.match(asNobody.stdout, h.name('lax.0'));
    t.match(asNobody.stdout, /^ +! +capabilities +KILL$/m, 'the tree tells it');
  },
);

t.test('lithos_ps -l: images and limits; and without it, who is near a limit', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const fill = 'i=0; while [ $i -lt 17 ]; do sleep 1000 & i=$((i+1)); done; echo filled; wait';
  h.containerFile('full', fill, 'pids-limit: 20\nmemory-limit: 64Mi');
  const port = await freePort();
  h.containerFile('easy', SLEEP, `pids-limit: 20\ntcp-ports: {${port}: {fd: 3}}`);
  h.sandboxFile('allow-tcp-ports: [1-65535]');
  h.processFile(
    ['full', 'easy'].map(name => `${name}: {image: app.1, config: /config/${name}.yaml}\n`).join(''),
  );
  await h.start();
  await h.running('easy.0');
  await until('it has started all', () => h.output('full.0').includes('filled'));
  const ps = (...options: string[]) => h.run('lithos_ps', '-C', h.path('master.yaml'), ...options).stdout;
  const lines = ps().split('\n');
  t.match(
    lines.find(line => line.includes('full.0')),
    /\(19 of 20 processes and threads\)$/,
  );
  t.notMatch(
    lines.find(line => line.includes('easy.0')),
    'processes and threads',
  );
  t.match(ps('-l', h.name('easy.0')), `| listens on 0.0.0.0:${port}\n`);
  const long = ps('-l', h.name('full.0'));
  t.match(long, /\| image app\.1, run 1, since \d{4}-\d\d-\d\dT/);
  t.match(long, /\| memory [\d.]+[kM]iB of 64\.0MiB$/m);
  t.match(long, /\| processes and threads 19 of 20$/m);
  t.match(JSON.parse(ps('--json', h.name('full.0'))).trees[0].children, [
    { image: 'app.1', pids: 19, pids_limit: 20, memory_limit: 64 << 20 },
  ]);
});

t.test('§1.6 ps-monitor: a table every second, and a terminal left as it was', async t => {
  const h = await host(t);
  const master = h.path('master.yaml');
  const plain = spawn(process.execPath, [command('lithos_ps'), '-C', master, '--monitor'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  plain.stdout.on('data', chunk => {
    said += chunk;
  });
  const frames = () => said.split(/^ *PID +NAME +CPU +THR +PRC +MEM +STATE$/m).slice(1);
  await until('there are three frames', () => frames().length >= 3);
  plain.kill('SIGTERM');
  t.same(await once(plain, 'exit'), [0, null]);
  const [, second = ''] = frames();
  t.match(
    second,
    new RegExp(`^ +0 +${escaped(h.name('bad.0'))} +0\\.0 +0 +0 +0B +failed: 2 failures in a row`, 'm'),
  );
  t.match(
    second,
    new RegExp(`^ *\\d+ +${escaped(h.name('web.0'))} +0\\.0 +2 +2 +[\\d.]+[kM]iB +running$`, 'm'),
  );
  const busy = Number(new RegExp(`${escaped(h.name('busy.0'))} +([\\d.]+) `).exec(second)?.[1]);
  t.ok(busy > 5 && busy <= 110, `CPU of one program: ${busy}`);

  const code = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const screen = spawn(
    'python3',
    ['-c', code, process.execPath, command('lithos_ps'), '-C', master, '--monitor'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm' },
    },
  );
  let drawn = '';
  screen.stdout.on('data', chunk => {
    drawn += chunk;
  });
  await until('it draws', () => drawn.includes(h.name('web.1')));
  screen.stdin.write('q');
  t.same(await once(screen, 'exit'), [0, null]);
  t.ok(drawn.startsWith('\x1b[?1049h\x1b[?25l'), 'on the other screen');
  t.ok(drawn.endsWith('\x1b[?25h\x1b[?1049l'), 'and back');
});
