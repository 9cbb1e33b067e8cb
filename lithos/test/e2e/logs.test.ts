// What programs write: nothing of it is lost when logs are rotated, removed, or when monitors and supervisors die.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { LineJoiner } from '../../src/core/logs/joiner.ts';
import { Host, isAlive, until } from '../support.ts';

t.setTimeout(300_000);

/** Numbers its lines, some hundred a second. */
const COUNT = 'i=0; while :; do echo "n $i"; i=$((i+1)); read -t 0.002 x < /dev/null || sleep 0.002; done';
const FOREVER = 'while :; do sleep 1000; done';

type Test = Pick<typeof t, 'teardown'>;

async function host(test: Test, script: string, master = '', keys = 'restart-timeout: 0'): Promise<Host> {
  const made = await Host.make(master);
  test.teardown(() => made.dispose());
  made.containerFile('web', script, keys);
  made.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  return made;
}

/** Old and current files, oldest first. */
function files(h: Host, instance = 'web.0'): string[] {
  const path = h.stdioLog(instance);
  const old = Array.from({ length: 100 }, (_, index) => `${path}.${100 - index}`);
  const all = [...old, path].filter(existsSync);
  // In the middle of a rotation a file has two names.
  const inode = (file: string | undefined) => file && statSync(file, { throwIfNoEntry: false })?.ino;
  return all.filter((file, index) => inode(file) !== inode(all[index + 1]));
}

/** Which file has which name; changes with a rotation. */
const order = (h: Host, instance: string) => files(h, instance).map(file => statSync(file).ino);

/** The numbers of all lines `n NUMBER`, in the order of the files. */
function numbers(h: Host, instance = 'web.0'): number[] {
  for (;;) {
    try {
      const before = order(h, instance);
      const found = readNumbers(h, instance);
      // Nothing was renamed while they were read one after the other.
      if (`${before}` === `${order(h, instance)}`) return found;
    } catch {
      // Renamed in between.
    }
  }
}

function readNumbers(h: Host, instance: string): number[] {
  const joiner = new LineJoiner(100_000);
  return files(h, instance)
    .flatMap(file => readFileSync(file, 'latin1').split('\n').slice(0, -1))
    .flatMap(line => joiner.push(line) ?? [])
    .flatMap(({ stream, text }) =>
      stream !== 'lithos' && /^n \d/.test(text) ? Number.parseInt(text.slice(2), 10) : [],
    );
}

function isComplete(found: readonly number[]): string {
  const wrong = found.findIndex((number, index) => number !== index);
  return wrong < 0 ? 'complete' : `after ${found[wrong - 1]} comes ${found[wrong]}`;
}

async function grown(h: Host, by = 20): Promise<void> {
  const before = numbers(h).length;
  await until(`${by} more lines are there`, () => numbers(h).length >= before + by);
}

function monitor(h: Host, run: number): number {
  return Number(readFileSync(h.path(`run/instances/${h.sandbox}/web.0/${run}/conmon.pid`), 'utf8'));
}

t.test('§7 stdio-log: 50 MB written at once are rotated by size, and no line is lost', async t => {
  const lines = 1_000_000;
  const half = (first: number) =>
    `seq -f 'n %.0f 2345678901234567890123456789012345678901' ${first} ${first + lines / 2 - 1}`;
  // In between there is a look at its size.
  const text = `${half(0)}; sleep 1.2; ${half(lines / 2)}`;
  const h = await host(t, `${text}; ${FOREVER}`, 'stdio-log-size: 1048576\nstdio-log-files: 100');
  await h.start();
  await h.running('web.0');
  const last = `n ${lines - 1} `;
  await until(
    'the last line is there',
    () =>
      files(h)
        .slice(-2)
        .some(file => readFileSync(file, 'latin1').includes(last)),
    60_000,
  );
  const all = numbers(h);
  t.equal(all.length, lines);
  t.equal(isComplete(all), 'complete');
  await until('it was rotated', () => files(h).length > 1);
});

t.test('only so many files are kept, and each has its size', async t => {
  const h = await host(t, COUNT, 'stdio-log-size: 8192\nstdio-log-files: 3');
  await h.start();
  await h.running('web.0');
  await until('it was rotated three times', () => (numbers(h)[0] ?? 0) > 300, 30_000);
  await until('three files are there', () => files(h).length === 3);
  const found = numbers(h);
  t.equal(isComplete(found.map(number => number - (found[0] as number))), 'complete');
});

t.test('a supervisor killed at any moment of a rotation loses no line', async t => {
  const h = await host(t, COUNT, 'stdio-log-size: 4096\nstdio-log-files: 100');
  await h.start();
  const { pid } = await h.running('web.0');
  for (let round = 0; round < (process.env.SUITE_SOAK === '1' ? 30 : 3); round++) {
    const before = files(h).length;
    await until(
      'a rotation begins',
      () => files(h).length > before || existsSync(`${h.stdioLog('web.0')}.tmp`),
    );
    await h.crash();
    await h.start();
  }
  await grown(h);
  t.equal(isComplete(numbers(h)), 'complete');
  t.equal((await h.running('web.0')).pid, pid);
});

t.test('a killed monitor costs neither a line nor the program, nor its exit code', async t => {
  const h = await host(t, COUNT);
  await h.start();
  const { pid, run } = await h.running('web.0');
  await grown(h);
  process.kill(monitor(h, run), 'SIGKILL');
  await grown(h, 200);
  t.equal(isComplete(numbers(h)), 'complete');
  t.equal((await h.running('web.0')).pid, pid);
  await until('the status says so', () => h.instance('web.0')?.problem?.includes('its monitor is gone'));
  await h.crash();
  await h.start();
  await grown(h, 200);
  t.equal(isComplete(numbers(h)), 'complete', 'the next supervisor goes on');
  t.equal((await h.running('web.0')).pid, pid);
});

t.test('the exit code of a program whose monitor was killed is known', async t => {
  const h = await host(
    t,
    'echo n 0; while [ ! -e /data/go ]; do sleep 0.01; done; echo n 1; exit 7',
    '',
    'restart-timeout: 100',
  );
  h.containerFile(
    'web',
    'echo n 0; while [ ! -e /data/go ]; do sleep 0.01; done; echo n 1; exit 7',
    'restart-timeout: 100',
    {
      volumes: `  /data: !Readonly /host${h.path('data')}`,
    },
  );
  await h.start();
  const { run } = await h.running('web.0');
  process.kill(monitor(h, run), 'SIGKILL');
  await until('that was noticed', () => h.instance('web.0')?.problem);
  writeFileSync(h.path('data/go'), '');
  await until('it has ended', () => h.instance('web.0')?.state === 'waiting');
  t.match(h.instance('web.0')?.lastExit, { code: 7 });
  t.same(h.output('web.0'), ['n 0', 'n 1']);
  t.match(
    readFileSync(h.stdioLog('web.0'), 'utf8'),
    /lithos F ----- exited with code 7, uptime \d+ s -----\n$/,
  );
});

t.test('monitor and supervisor killed together cost neither a line nor the program', async t => {
  const h = await host(t, COUNT);
  await h.start();
  const { pid, run } = await h.running('web.0');
  await until('somebody else holds the pipes', () => existsSync(h.path('run/pipe-holder.pid')));
  await grown(h);
  process.kill(h.treePid(), 'SIGSTOP');
  process.kill(monitor(h, run), 'SIGKILL');
  await h.crash();
  await h.start();
  await grown(h, 200);
  t.equal(isComplete(numbers(h)), 'complete');
  t.equal((await h.running('web.0')).pid, pid);
  t.equal(await h.stop(), 0);
  t.same(h.leftOver(), []);
});

t.test('a log that is removed, with its directory too, is begun again', async t => {
  const h = await host(t, COUNT);
  await h.start();
  await h.running('web.0');
  await grown(h);
  rmSync(h.stdioLog('web.0'));
  await until('there is one again', () => existsSync(h.stdioLog('web.0')) && numbers(h).length > 20);
  // It may be begun again between the file and the directory.
  await until('it is removed', () => {
    try {
      rmSync(h.path('log/stdio'), { recursive: true, force: true });
      return true;
    } catch {
      return false;
    }
  });
  await until('there is one again', () => existsSync(h.stdioLog('web.0')) && numbers(h).length > 20);
  const found = numbers(h);
  t.equal(isComplete(found.map(number => number - (found[0] as number))), 'complete');
  t.same(readdirSync(h.path('log/stdio')), [`${h.sandbox}.web.0.log`]);
});

t.test('§7 markers: lines tell of starts and exits, after a rotation too', async t => {
  const h = await host(
    t,
    'echo hello; read -t 1000 x < /dev/zero; exit 3',
    'stdio-log-size: 4096',
    'restart-timeout: 1000',
  );
  h.containerFile('web', `${COUNT}`, 'restart-timeout: 0');
  await h.start();
  const { run } = await h.running('web.0');
  await until('it was rotated', () => files(h).length > 1);
  process.kill(await h.app('web.0'), 'SIGKILL');
  await h.running('web.0', run);
  await grown(h);
  const lines = files(h).flatMap(file =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(line => line.includes(' lithos F ')),
  );
  const words = lines.map(line => line.replace(/^\S+ lithos F /, '').replace(/uptime \d+ s/, 'uptime'));
  t.match(words, [
    /^----- starting run 1: "\/bin\/sh" "-c" ".*-----$/,
    '----- killed by SIGKILL, uptime -----',
    /starting run 2/,
  ]);
  t.ok(isAlive((await h.running('web.0')).pid));
});
