// Disks that are full, have no inodes left, are read-only or broken: what runs runs on, what is wrong is said, and it mends
// itself. And the writer of state, killed at every system call.
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import t from 'tap';
import { LineJoiner } from '../../src/core/logs/joiner.ts';
import { Host, isAlive, processesOf, until } from '../support.ts';

t.setTimeout(180_000);

const COUNT = 'i=0; while :; do echo "n $i"; i=$((i+1)); sleep 0.01; done';
const FOREVER = 'while :; do sleep 1000; done';
const WEB = 'web: {image: app.1, config: /config/web.yaml}\n';

type Test = Pick<typeof t, 'teardown'>;

async function host(test: Test, script: string, keys = 'restart-timeout: 0'): Promise<Host> {
  const made = await Host.make();
  test.teardown(() => made.dispose());
  made.containerFile('web', script, keys);
  made.processFile(WEB);
  return made;
}

/** A file system of its own, so that filling it harms nobody. */
function disk(test: Test, h: Host, name: string, options: string): string {
  const path = h.path(name);
  mkdirSync(path, { recursive: true });
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'test', path], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  test.teardown(() => spawnSync('umount', ['-l', path]));
  return path;
}

/** Bytes are taken until there is no more than `leaveKiB`. */
function fill(path: string, leaveKiB = 0): string {
  const file = join(path, `fill${leaveKiB}`);
  const free = spawnSync('df', ['--output=avail', '-k', path], { encoding: 'utf8' }).stdout.split('\n')[1];
  spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1024', `count=${Number(free) - leaveKiB}`], {
    stdio: 'ignore',
  });
  return file;
}

function entries(h: Host) {
  const joiner = new LineJoiner(100_000);
  const path = h.stdioLog('web.0');
  const lines = existsSync(path) ? readFileSync(path, 'latin1').split('\n').slice(0, -1) : [];
  return lines.flatMap(line => joiner.push(line) ?? []);
}

const numbers = (h: Host) =>
  entries(h).flatMap(({ stream, text }) =>
    stream === 'stdout' && text.startsWith('n ') ? Number(text.slice(2)) : [],
  );

function countedAsLost(h: Host): number {
  const found = entries(h).flatMap(({ stream, text }) =>
    stream === 'lithos' ? Number(/^----- (\d+) lines \(\d+ bytes\) lost/.exec(text)?.[1] ?? 0) : 0,
  );
  return found.reduce((sum, each) => sum + each, 0);
}

t.test(
  'a full log disk: the program does not wait, lost lines are counted to the last one, and told',
  async t => {
    const h = await host(t, COUNT);
    const log = disk(t, h, 'log', 'size=4m');
    await h.start();
    const { pid } = await h.running('web.0');
    await until('it writes', () => numbers(h).length > 20);
    const most = fill(log, 100);
    await until('the tree sees that there is little room', () => h.log().includes('is nearly full'));
    const before = numbers(h).length;
    await until('it is written on, by the tree', () => numbers(h).length > before + 20);
    const rest = fill(log);
    const lost = await until('lines are lost', () => h.instance('web.0')?.lostLines || undefined);
    t.ok(lost > 0);
    // The tree has something to say too, until the last page of its own log is full.
    h.processFile(`${WEB}more: {image: ${'none'.repeat(60)}, config: /config/web.yaml}\n`);
    for (let round = 0; round < 8; round++) await h.reload();
    h.processFile(WEB);
    t.ok((h.instance('web.0')?.lostLines ?? 0) >= lost);
    t.equal((await h.running('web.0')).pid, pid, 'the program has not noticed');
    for (const file of [most, rest]) rmSync(file);
    await until('how many is told in the log', () => countedAsLost(h) > 0);
    await until('its monitor writes again', () => h.log().includes('has room again'));
    const told = numbers(h).length;
    await until('it goes on', () => numbers(h).length > told + 20);
    const found = numbers(h);
    const missing = (found.at(-1) as number) + 1 - found.length;
    t.equal(countedAsLost(h), missing, 'exactly those');
    t.match(h.log(), /\d+ lines of this log were lost: ENOSPC/);
    t.match(h.log(), /web\.0: output is lost: .*ENOSPC/);
    t.equal((await h.running('web.0')).pid, pid);
    t.equal(await h.stop(), 0);
    t.same(h.leftOver(), []);
  },
);

t.test(
  'a log disk that fills up at once: programs can end and start on it, and the log says what it knows',
  async t => {
    const h = await host(t, COUNT);
    const log = disk(t, h, 'log', 'size=4m');
    await h.start();
    const { pid, run } = await h.running('web.0');
    await until('it writes', () => numbers(h).length > 20);
    const all = fill(log);
    await until('lines are lost', () => h.instance('web.0')?.lostLines || undefined);
    const app = await h.app('web.0');
    process.kill(app, 'SIGKILL');
    const next = await h.running('web.0', run);
    t.not(next.pid, pid);
    t.match(
      h.instance('web.0')?.lastExit,
      { code: 137 },
      'its stopped monitor could still tell how it ended',
    );
    await h.crash();
    await h.start();
    t.equal((await h.running('web.0')).pid, next.pid);
    await until('still lost', () => h.instance('web.0')?.lostLines || undefined);
    rmSync(all);
    await until('how many is told in the log', () => countedAsLost(h) > 0);
    await until('it writes again', () => (numbers(h).at(-1) ?? 0) > 20);
    t.equal((await h.running('web.0')).pid, next.pid);
  },
);

t.test(
  'a log disk without inodes: instances start without a log, and get it when there can be one',
  async t => {
    const h = await host(t, COUNT);
    const log = disk(t, h, 'log/stdio', 'size=4m,nr_inodes=2');
    writeFileSync(join(log, 'takes the last one'), '');
    await h.start();
    await h.running('web.0');
    t.match(h.log(), /web\.0: starts without a log: ENOSPC/);
    await until('lines are lost', () => h.instance('web.0')?.lostLines || undefined);
    rmSync(join(log, 'takes the last one'));
    await until('it has a log', () => numbers(h).length > 20);
    t.equal(numbers(h)[0], countedAsLost(h), 'and all before were counted');
  },
);

t.test('a read-only log disk: the same, and a later supervisor reads on', async t => {
  const h = await host(t, COUNT);
  disk(t, h, 'log/stdio', 'size=4m,ro');
  await h.start();
  const { pid } = await h.running('web.0');
  t.match(h.log(), /web\.0: starts without a log: EROFS/);
  await until('lines are lost', () => h.instance('web.0')?.lostLines || undefined);
  await h.crash();
  await h.start();
  await until('lines are lost again', () => h.instance('web.0')?.lostLines || undefined);
  // The tree may have a mount namespace of its own.
  for (const place of [h.treePid(), process.pid])
    spawnSync('nsenter', ['-t', `${place}`, '-m', 'mount', '-o', 'remount,rw', h.path('log/stdio')]);
  await until('it has a log', () => numbers(h).length > 20);
  t.equal((await h.running('web.0')).pid, pid);
});

for (const [what, options, exhaust] of [
  ['full', 'size=512k', (path: string) => [fill(path)]],
  [
    'without inodes',
    'size=4m,nr_inodes=600',
    (path: string) => {
      const made: string[] = [];
      try {
        for (let number = 0; ; number++) {
          writeFileSync(join(path, `inode${number}`), '');
          made.push(join(path, `inode${number}`));
        }
      } catch {
        return made;
      }
    },
  ],
] as const) {
  t.test(
    `a state disk ${what}: what runs runs on, what cannot start says why, and does when it can`,
    async t => {
      const h = await host(t, FOREVER);
      h.processFile(WEB.replace('}', ', instances: 2}'));
      const run = disk(t, h, 'run', options);
      await h.start();
      const [first, second] = [await h.running('web.0'), await h.running('web.1')];
      const made = exhaust(run);
      process.kill(await h.app('web.1'), 'SIGKILL');
      h.processFile(
        `${WEB.replace('}', ', instances: 2}')}more: {image: app.1, config: /config/web.yaml, instances: 4}\n`,
      );
      h.signal('SIGHUP');
      await until('the log says why it does not start', () =>
        /more\.\d could not be started: .*ENOSPC/.test(h.log()),
      );
      if (what === 'full') {
        h.signal('SIGQUIT');
        await until('a re-exec is refused', () => /re-exec refused: .*ENOSPC/.test(h.log()));
      }
      t.ok(isAlive(first.pid));
      t.equal(h.tree?.exitCode, null);
      for (const file of made) rmSync(file);
      await h.running('more.3');
      await h.running('web.1', second.run);
      t.equal((await h.running('web.0')).pid, first.pid);
      await h.crash();
      await h.start();
      t.equal((await h.running('web.0')).pid, first.pid, 'what is on disk is whole');
      await until('web.1 runs once', () => processesOf(h.name('web.1')).length === 3);
      t.equal(await h.stop(), 0);
    },
  );
}

/** strace makes system calls of a running process fail; resolves when it is attached. */
async function inject(test: Test, pid: number, ...what: string[]): Promise<() => Promise<void>> {
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(pid), ...what.flatMap(each => ['-e', each])];
  const child = spawn('strace', args, { stdio: 'ignore' });
  test.teardown(() => child.kill());
  await until('strace is attached', () =>
    /TracerPid:\s+[1-9]/.test(readFileSync(`/proc/${pid}/status`, 'latin1')),
  );
  return async () => {
    child.kill('SIGTERM');
    await until('strace has gone', () => child.exitCode !== null || child.signalCode !== null);
  };
}

t.test(
  'EIO from the disk of state and configuration: nothing that runs is touched, and it is said',
  async t => {
    const h = await host(t, FOREVER);
    await h.start();
    const { pid, run } = await h.running('web.0');
    // fchmod, fsync and rename are called by the writer of files alone.
    const mend = await inject(
      t,
      h.treePid(),
      'trace=fchmod,fsync,rename',
      'inject=fchmod,fsync,rename:error=EIO',
    );
    h.processFile(`${WEB}more: {image: app.1, config: /config/web.yaml}\n`);
    h.signal('SIGHUP');
    await until('the log says so', () => /EIO/.test(h.log()));
    process.kill(await h.app('web.0'), 'SIGKILL');
    await until('it noticed the end', () => /web\.0 killed by SIGKILL/.test(h.log()));
    await mend();
    const next = await h.running('web.0', run);
    t.not(next.pid, pid);
    await h.running('more.0');
    await h.crash();
    await h.start();
    t.equal((await h.running('web.0')).pid, next.pid);
    await until('it runs once', () => processesOf(h.name('web.0')).length === 3);
  },
);

/** A program around the one function that writes all state, which waits to be traced. */
function writerProgram(directory: string): string {
  const output = join(directory, 'writer.cjs');
  buildSync({
    stdin: {
      contents: `
        import { realDisk } from '@suite/shared/ports/real.ts';
        const [, , path, text] = process.argv;
        process.stdout.write('ready');
        process.stdin.once('data', async () => {
          await realDisk.writeAtomic(path, text, { fsync: true, mode: 0o600 });
          process.stdout.write('done', () => process.exit(0));
        });`,
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi'],
    outfile: output,
    logLevel: 'error',
  });
  return output;
}

const WRITES = 'openat,write,pwrite64,fchmod,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,close';

/** Killed at its Kth call. True: it came to its end. */
async function writeKilledAt(
  test: Test,
  program: string,
  path: string,
  text: string,
  call: number,
): Promise<boolean> {
  // One thread does it all: strace counts the calls of each for itself.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const child = spawn(process.execPath, [program, path, text], { stdio: ['pipe', 'pipe', 'ignore'], env });
  test.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', chunk => {
    said += chunk;
  });
  await until('it is ready', () => said === 'ready');
  await inject(test, child.pid as number, `trace=${WRITES}`, `inject=${WRITES}:signal=KILL:when=${call}`);
  child.stdin.write('go');
  await until('it has ended', () => child.exitCode !== null || child.signalCode !== null);
  return child.exitCode === 0;
}

t.test(
  'SIGKILL at every system call of the state writer: the file is the old one or the new one',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'lithos-writer-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const program = writerProgram(directory);
    const path = join(directory, 'state', 'record.json');
    mkdirSync(join(directory, 'state'));
    const old = 'old'.repeat(30_000);
    const fresh = 'new'.repeat(10_000);
    const seen = new Set<string>();
    let calls = 0;
    for (let ended = false; !ended; calls++) {
      writeFileSync(path, old);
      ended = await writeKilledAt(t, program, path, fresh, calls + 1);
      const now = readFileSync(path, 'utf8');
      if (now !== old && now !== fresh) t.fail(`half a file after call ${calls + 1}`);
      seen.add(now === old ? 'old' : 'new');
      if (calls > 100) throw new Error('it does not come to its end');
    }
    t.ok(calls > 8, `${calls} calls`);
    t.same([...seen].sort(), ['new', 'old']);
  },
);

t.test('SIGKILL of the tree at any change it makes on disk: the next one runs everything once', async t => {
  const changes =
    'openat,fchmod,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,write';
  const moments = process.env.SUITE_SOAK === '1' ? 60 : 6;
  const h = await host(t, FOREVER);
  h.processFile(WEB.replace('}', ', instances: 2}'));
  await h.start();
  await h.running('web.1');
  let died = 0;
  for (let moment = 0; moment < moments; moment++) {
    const tree = h.tree;
    const { run, pid } = await h.running('web.0');
    await inject(t, h.treePid(), `trace=${changes}`, `inject=${changes}:signal=KILL:when=${1 + moment * 7}`);
    t.ok(isAlive(pid));
    spawnSync('kill', ['-KILL', ...processesOf(h.name('web.0')).map(String)], { stdio: 'ignore' });
    await until(
      'the tree died, or did it all',
      () => tree?.signalCode === 'SIGKILL' || (h.instance('web.0')?.run ?? 0) > run,
    );
    if (tree?.signalCode === 'SIGKILL') {
      died++;
      await h.start();
    } else {
      await h.crash();
      await h.start();
    }
    await h.running('web.0', run);
    await h.running('web.1');
    await until('each runs once', () =>
      [0, 1].every(index => processesOf(h.name(`web.${index}`)).length === 3),
    );
    for (const file of readdirSync(h.path('run')).filter(name => name.endsWith('.json')))
      JSON.parse(readFileSync(h.path(`run/${file}`), 'utf8'));
  }
  // Which thread makes a change is chance, and strace counts those of each: not every moment comes.
  t.ok(died > moments / 4, `${died} of ${moments} died`);
  t.equal(await h.stop(), 0);
  t.same(h.leftOver(), []);
});
