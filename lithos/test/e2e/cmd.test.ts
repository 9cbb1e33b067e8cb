// lithos_cmd: real containers in the foreground, with the program's own exit code, and nothing left behind.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { command, Host, isAlive, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

async function host(test: Pick<typeof t, 'teardown'>, sandbox = ''): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  if (sandbox !== '') h.sandboxFile(sandbox);
  h.processFile('tool: {kind: Command, image: app.1, config: /config/tool.yaml}\n');
  return h;
}

function tool(h: Host, script: string, keys = 'interactive: true', options = {}): void {
  h.containerFile('tool', script, `kind: Command\n${keys}`, options);
}

function cmd(h: Host, ...args: string[]) {
  return h.run('lithos_cmd', '--master', h.path('master.yaml'), h.sandbox, 'tool', ...args);
}

/** In the background; `said` is what it has written so far. */
function begin(h: Host): { child: ChildProcess; said: () => string; ended: Promise<number | null> } {
  const child = spawn(
    process.execPath,
    [command('lithos_cmd'), '-C', h.path('master.yaml'), h.sandbox, 'tool'],
    {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout?.on('data', chunk => {
    text += chunk;
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  return { child, said: () => text, ended };
}

function leftOver(h: Host): string[] {
  const roots = ['run/commands', 'run/state'].map(name => h.path(name)).filter(existsSync);
  const files = roots.flatMap(root => readdirSync(root).flatMap(box => readdirSync(`${root}/${box}`)));
  const oci = existsSync(h.path('run/oci')) ? readdirSync(h.path('run/oci')) : [];
  return [...files, ...oci].filter(name => name.includes('cmd'));
}

const nameOf = (h: Host, pid: number | undefined) => `${h.sandbox}/cmd.tool.${pid}`;

t.test(
  '§1.3 cmd-name, §1.3 cmd-arguments and §1.3 cmd-exit-code: environment, output and the real exit code',
  async t => {
    const h = await host(t);
    tool(
      h,
      'echo "$LITHOS_NAME | $0 $* | $(id -u)"; echo oops >&2; read line; echo "$line"; exit 7',
      undefined,
      {
        args: ['zero'],
      },
    );
    const run = spawnSync(
      process.execPath,
      [command('lithos_cmd'), '-C', h.path('master.yaml'), h.sandbox, 'tool', '--', '-x', 'two words'],
      { input: 'from stdin\n', encoding: 'utf8' },
    );
    t.match(
      run.stdout,
      new RegExp(`^${h.sandbox}/cmd\\.tool\\.\\d+ \\| zero -- -x two words \\| 1000\nfrom stdin\n`),
    );
    t.equal(run.stderr, 'oops\n');
    t.equal(run.status, 7);
    tool(h, 'kill -SEGV $$');
    t.equal(cmd(h).code, 128 + 11);
    tool(h, 'exit 0');
    t.equal(cmd(h).code, 0);
    t.same(leftOver(h), []);
    t.same(
      h
        .cgroups()
        .flatMap(directory => readdirSync(directory))
        .filter(name => name.includes('cmd')),
      [],
    );
  },
);

t.test('§1.3 cmd-stdio: without interactive its output goes to a log of the sandbox', async t => {
  const h = await host(t);
  tool(h, 'echo hello; echo oops >&2; exit 3', '');
  const run = cmd(h);
  t.same([run.code, run.stdout], [3, '']);
  const log = h.path(`log/stdio/${h.sandbox}.cmd.tool.log`);
  t.match(run.stderr, `its output is in ${log}`);
  const lines = readFileSync(log, 'utf8');
  t.match(lines, /^\d{4}-\S+ stdout F hello$/m);
  t.match(lines, /^\d{4}-\S+ stderr F oops$/m);
});

t.test(
  '§2.1 stdio-log-size: the log of a command is rotated too, and one endless line comes in parts',
  async t => {
    const h = await host(t);
    h.write(
      'master.yaml',
      `${readFileSync(h.path('master.yaml'), 'utf8')}\nstdio-log-size: 512ki\nstdio-log-files: 3\n`,
    );
    tool(h, 'cat /dev/zero | head -c 800000 | tr "\\0" x; echo; seq 1000', '');
    t.equal(cmd(h).stderr, '');
    const all = h.run('lithos_logs', '-C', h.path('master.yaml'), `${h.sandbox}/cmd.tool`, '--json').stdout;
    const texts = all
      .split('\n')
      .slice(0, -1)
      .map(line => (JSON.parse(line) as { text: string }).text);
    t.equal(texts[0]?.length, 800_000);
    t.equal(texts.length, 1_001);
    const logs = readdirSync(h.path('log/stdio')).map(name => h.path(`log/stdio/${name}`));
    t.ok(logs.length > 1 && logs.every(log => statSync(log).size < 700_000), `${logs}`);
    t.ok(
      logs.every(log => (statSync(log).mode & 0o777) === 0o600),
      'for root alone, as all logs',
    );
    const lines = logs.flatMap(log => readFileSync(log, 'latin1').split('\n'));
    t.ok(Math.max(...lines.map(line => line.length)) < 200_000, 'not all of it in memory at once');
  },
);

t.test('a full disk does not keep a command from its work', async t => {
  const h = await host(t);
  const logs = h.path('log/stdio');
  mkdirSync(logs, { recursive: true });
  t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'full', logs]).status, 0);
  t.teardown(() => spawnSync('umount', [logs]));
  tool(h, 'seq 100000; echo done >/data/done; exit 3', '', { volumes: '  /data: !Persistent {path: /data}' });
  chmodSync(h.path('data'), 0o777);
  const run = cmd(h);
  t.equal(run.code, 3);
  t.ok(existsSync(h.path('data/done')));
  t.match(run.stderr, /\d+ lines of its output did not fit into .*cmd\.tool\.log/);
  t.same(leftOver(h), []);
});

t.test(
  '§2.2 sandbox-log-file, §2.2 sandbox-log-level: what lithos_cmd itself says goes where the sandbox wants it',
  async t => {
    const h = await host(t, 'log-file: sub/own.log\nlog-level: error');
    tool(h, 'exit 0', '');
    t.equal(cmd(h).code, 0);
    t.notOk(existsSync(h.path('log/sub/own.log')), 'nothing at that level');
    t.equal(
      h.run('lithos_cmd', '-C', h.path('master.yaml'), '--log-level', 'warn', h.sandbox, 'tool').code,
      0,
    );
    t.match(readFileSync(h.path('log/sub/own.log'), 'utf8'), / started".*\n.* ended with 0"/);
    t.notOk(existsSync(h.path(`log/${h.sandbox}.log`)));
  },
);

t.test('§1.3 cmd-stdio: with interactive a program has the terminal of whoever calls', async t => {
  const h = await host(t);
  tool(h, 'tty; stty size; read word; echo "got $word"; exit 5');
  const script = `import os, pty, sys, fcntl, termios, struct
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 99, 0, 0))
said = b''
while b'33 99' not in said:
    said += os.read(fd, 1000)
os.write(fd, b'typed\\n')
try:
    while True:
        piece = os.read(fd, 1000)
        if not piece: break
        said += piece
except OSError: pass
_, status = os.waitpid(pid, 0)
print(said.decode().replace('\\r', ''), os.waitstatus_to_exitcode(status))`;
  const run = spawnSync(
    'python3',
    ['-c', script, process.execPath, command('lithos_cmd'), '-C', h.path('master.yaml'), h.sandbox, 'tool'],
    { encoding: 'utf8', timeout: 100_000 },
  );
  t.match(run.stdout, /\/dev\/(pts\/\d+|console)\n33 99\n/, run.stderr);
  t.match(run.stdout, 'got typed\n');
  t.match(run.stdout, / 5\n$/);
});

t.test('volumes of a command: with a directory of their own, a terminal, and an id map', async t => {
  const map = '[{inside: 0, outside: 1000, count: 100}]';
  const h = await host(t, 'allow-users: [0, 1000-2000]\nallow-groups: [0, 1000-2000]');
  mkdirSync(h.path('data/inner'));
  for (const path of ['', 'data', 'data/inner']) chmodSync(h.path(path), 0o777);
  const volumes = '  /data: !Persistent {path: /data/inner}\n  /cache: !Readonly /host/etc';
  for (const keys of ['', `user-id: 0\nuid-map: ${map}\ngid-map: ${map}`]) {
    tool(h, 'echo $(id -u) > /data/$0 && ls /data && test -e /cache/passwd', `interactive: true\n${keys}`, {
      volumes,
      args: [keys === '' ? 'plain' : 'mapped'],
    });
    const done = cmd(h);
    t.equal(done.code, 0, done.stderr);
    t.match(done.stdout, keys === '' ? 'plain' : 'mapped');
  }
  t.same(readdirSync(h.path('data/inner')), ['mapped', 'plain']);
  t.same(leftOver(h), []);
});

t.test('§1.3 TERM is passed on; KILL follows after the kill-timeout', async t => {
  const h = await host(t);
  tool(h, 'trap "echo asked; exit 9" TERM; echo ready; while :; do sleep 0.1; done');
  const polite = begin(h);
  await until('it runs', () => polite.said().includes('ready'));
  polite.child.kill('SIGTERM');
  t.equal(await polite.ended, 9);
  t.match(polite.said(), 'asked');
  tool(h, 'trap "" TERM; echo ready; while :; do sleep 0.1; done', 'interactive: true\nkill-timeout: 1');
  const deaf = begin(h);
  await until('it runs', () => deaf.said().includes('ready'));
  deaf.child.kill('SIGTERM');
  t.equal(await deaf.ended, 137);
  t.same(leftOver(h), []);
});

t.test(
  '§1.3 cmd-cleanup and §3.4 dangling-state: a killed lithos_cmd leaves no container, and the next tree clears the rest away',
  async t => {
    const h = await host(t);
    tool(h, 'echo ready; (setsid sleep 1000 &); while :; do sleep 1000; done');
    const run = begin(h);
    await until('it runs', () => run.said().includes('ready'));
    const name = nameOf(h, run.child.pid);
    const pids = processesOf(name);
    t.ok(pids.length > 0);
    run.child.kill('SIGKILL');
    await until('its container is gone', () => processesOf(name).length === 0);
    t.ok(leftOver(h).length > 0, 'files are left');
    await h.start();
    await until('the tree has cleared them away', () => leftOver(h).length === 0);
  },
);

t.test('§3.4 a tree leaves running commands alone', async t => {
  const h = await host(t);
  tool(h, 'echo ready; while :; do sleep 1000; done');
  const run = begin(h);
  await until('it runs', () => run.said().includes('ready'));
  await h.start();
  await h.reload();
  t.ok(processesOf(nameOf(h, run.child.pid)).every(isAlive));
  t.same(h.status()?.instances, []);
  t.equal(await h.stop(), 0);
  t.ok(processesOf(nameOf(h, run.child.pid)).length > 0, 'not even a stopping tree ends it');
  run.child.kill('SIGTERM');
  await run.ended;
  t.same(leftOver(h), []);
});

t.test('§1.3 cmd-kind: what cannot be run is refused in words, with 126', async t => {
  const h = await host(t);
  tool(h, 'true');
  h.containerFile('web', 'true');
  h.processFile(
    'tool: {kind: Command, image: app.1, config: /config/tool.yaml}\nweb: {image: app.1, config: /config/web.yaml}\n',
  );
  const refused = (...args: string[]) => {
    const run = h.run('lithos_cmd', '-C', h.path('master.yaml'), ...args);
    t.equal(run.code, 126);
    return run.stderr;
  };
  t.match(refused(h.sandbox, 'web'), 'only entries with `kind: Command`');
  t.match(refused(h.sandbox, 'tol'), 'did you mean `tool`?');
  t.match(refused('nowhere', 'tool'), /nowhere\.yaml does not exist/);
  t.match(refused('../box', 'tool'), 'no name');
  t.match(refused(h.sandbox, 'a b'), 'no name');
  tool(h, 'true', 'nonsense: 1');
  t.match(refused(h.sandbox, 'tool'), /tool\.yaml:\d+:\d+/);
  tool(h, 'true', 'user-id: 77');
  t.match(refused(h.sandbox, 'tool'), 'allow-users');
  t.equal(h.run('lithos_cmd', '-C', h.path('master.yaml'), h.sandbox).code, 2);
  t.same(leftOver(h), []);
});
