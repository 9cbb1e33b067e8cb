// Everything dies at random while programs write numbered lines: programs, their supervisor, their monitors. Each program
// notes in a volume what it has written, so that a line which never reached the log is missed. The moments come from a seed,
// which is printed; SUITE_SEED repeats them. SUITE_SOAK=1: at full size.
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { seededRandom } from '@suite/shared/sim/random.ts';
import t from 'tap';
import { LineJoiner } from '../../src/core/logs/joiner.ts';
import { childrenOf, Host, isAlive, processesOf, until } from '../support.ts';

const SOAK = process.env.SUITE_SOAK === '1';
const SIZE = SOAK
  ? { instances: 50, apps: 500, supervisors: 50, monitors: 20, gapMs: 120 }
  : { instances: 12, apps: 100, supervisors: 10, monitors: 6, gapMs: 60 };

t.setTimeout(SOAK ? 900_000 : 400_000);

/** `RUN NUMBER`, twenty lines a second; the number is in the file RUN when the line is in the pipe. */
const WRITER = `
  use Time::HiRes qw(time sleep);
  my $run = sprintf("%s-%x", $ENV{LITHOS_NAME} =~ s{.*/}{}r, time() * 1e6);
  open(my $note, ">", "/data/$run") or die "note: $!";
  for (my $i = 0; ; $i++) {
    syswrite(STDOUT, "$run $i\\n") or die "output: $!";
    sysseek($note, 0, 0);
    syswrite($note, sprintf("%09d", $i));
    sleep(0.05);
  }`;

interface Tally {
  lines: number;
  missing: string[];
  repeated: number;
}

/** Every number a run has noted, and the one it may have died upon, in this order. */
function tally(h: Host, index: number): Tally {
  const path = h.stdioLog(`web.${index}`);
  const files = [...Array.from({ length: 99 }, (_, age) => `${path}.${99 - age}`), path].filter(existsSync);
  const joiner = new LineJoiner(100_000);
  const seen = new Map<string, number>();
  const result: Tally = { lines: 0, missing: [], repeated: 0 };
  for (const line of files.flatMap(file => readFileSync(file, 'latin1').split('\n').slice(0, -1))) {
    const entry = joiner.push(line);
    if (entry === undefined || entry.stream === 'lithos') continue;
    const [run = '', text = ''] = entry.text.split(' ');
    const next = seen.get(run) ?? 0;
    const number = Number(text);
    result.lines++;
    if (entry.stream === undefined || number > next) result.missing.push(`${run} ${next}…${entry.text}`);
    if (number < next) result.repeated++;
    seen.set(run, Math.max(next, number + 1));
  }
  for (const run of readdirSync(h.path('data')).filter(name => name.startsWith(`web.${index}-`))) {
    const noted = readFileSync(h.path(`data/${run}`), 'latin1');
    if (noted !== '' && (seen.get(run) ?? 0) <= Number(noted))
      result.missing.push(`${run} ends with ${(seen.get(run) ?? 0) - 1} of ${Number(noted)}`);
  }
  return result;
}

/** Milliseconds from the end of a run to the start of the next. */
function restartTimes(h: Host, index: number): number[] {
  const path = h.stdioLog(`web.${index}`);
  const files = [...Array.from({ length: 99 }, (_, age) => `${path}.${99 - age}`), path].filter(existsSync);
  const marks = files.flatMap(file => readFileSync(file, 'latin1').match(/^\S+ lithos F .*$/gm) ?? []);
  const times: number[] = [];
  let endedMs: number | undefined;
  for (const mark of marks) {
    const atMs = Date.parse(mark.split(' ')[0] as string);
    if (!mark.includes('starting run')) endedMs = atMs;
    else if (endedMs !== undefined) times.push(atMs - endedMs);
  }
  return times;
}

function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

t.test('programs, supervisor and monitors die at random, and no line is lost', async t => {
  const seed = Number(process.env.SUITE_SEED ?? Date.now() % 1_000_000);
  t.comment(`SUITE_SEED=${seed}`);
  const random = seededRandom(seed);
  const h = await Host.make('stdio-log-size: 65536\nstdio-log-files: 100');
  t.teardown(() => h.dispose());
  chmodSync(h.path('data'), 0o777);
  h.containerFile('web', 'exec perl -e "$0"', 'restart-timeout: 0', {
    args: [WRITER],
    volumes: '  /data: !Persistent {path: /data}',
  });
  h.processFile(`web: {image: app.1, config: /config/web.yaml, instances: ${SIZE.instances}}\n`);
  await h.start();
  const names = Array.from({ length: SIZE.instances }, (_, index) => `web.${index}`);
  for (const name of names) await h.running(name);
  const killed = new Map<string, Set<number>>(names.map(name => [name, new Set()]));
  const left = { apps: SIZE.apps, supervisors: SIZE.supervisors, monitors: SIZE.monitors };
  const pick = () => names[random.between(0, names.length)] as string;

  const killApp = () => {
    const name = pick();
    const pid = h.instance(name)?.pid ?? undefined;
    if (pid === undefined || !isAlive(pid)) return;
    // The init, or the program that it started.
    const victim = random.next() < 0.5 ? pid : (childrenOf(pid)[0] ?? pid);
    process.kill(victim, 'SIGKILL');
    killed.get(name)?.add(pid);
    left.apps--;
  };
  const killMonitor = () => {
    const name = pick();
    const found = h.instance(name);
    const file = h.path(`run/instances/${h.name(name)}/${found?.run}/conmon.pid`);
    if (found?.pid == null || !isAlive(found.pid) || !existsSync(file)) return;
    const pid = Number(readFileSync(file, 'latin1'));
    if (!isAlive(pid)) return;
    process.kill(pid, 'SIGKILL');
    left.monitors--;
  };
  const attempt = (work: () => void) => {
    try {
      work();
    } catch {
      // It was faster.
    }
  };
  const killSupervisor = async () => {
    left.supervisors--;
    await h.crash();
    // While nobody looks after them.
    if (left.apps > 0 && random.next() < 0.5) attempt(killApp);
    if (left.monitors > 0 && random.next() < 0.5) attempt(killMonitor);
    await h.start();
  };
  while (left.apps + left.supervisors + left.monitors > 0) {
    await new Promise(resolve => setTimeout(resolve, random.between(0, SIZE.gapMs)));
    const choice = random.between(0, left.apps + left.supervisors + left.monitors);
    if (choice < left.apps) attempt(killApp);
    else if (choice < left.apps + left.supervisors) await killSupervisor();
    else attempt(killMonitor);
  }

  await until('every run that was killed is followed by one more', () =>
    names.every(name => {
      const found = h.instance(name);
      const isNew = found?.pid != null && isAlive(found.pid) && !killed.get(name)?.has(found.pid);
      return isNew && found.state === 'running';
    }),
  );
  const totals = names.map((_, index) => tally(h, index).lines);
  await until('all of them write', () =>
    names.every((_, index) => tally(h, index).lines > (totals[index] as number) + 2),
  );
  const wrong = names.filter(name => (h.instance(name)?.run ?? 0) < 1 + (killed.get(name)?.size ?? 0));
  t.same(wrong, [], 'as many runs as were killed, and one');
  const spontaneous = names.flatMap(name => {
    const notes = readdirSync(h.path('data')).filter(note => note.startsWith(`${name}-`)).length;
    return notes > 1 + (killed.get(name)?.size ?? 0)
      ? [`${name}: ${notes} runs, ${killed.get(name)?.size} killed`]
      : [];
  });
  t.same(spontaneous, [], 'what was not killed has run on');
  for (const name of names) await until(`${name} runs once`, () => processesOf(h.name(name)).length === 2);
  const parents = [h.treePid(), ...h.leftOver()].filter(isAlive);
  await until('no zombie is left', () => !parents.flatMap(childrenOf).some(isZombie));
  const tree = h.treePid();
  t.equal(await h.stop(), 0);
  t.notOk(isAlive(tree));
  t.same(h.leftOver(), [], 'no orphan');
  const found = names.map((_, index) => tally(h, index));
  t.same(
    found.flatMap(({ missing }) => missing),
    [],
    'no line is missing',
  );
  t.equal(
    found.reduce((sum, { repeated }) => sum + repeated, 0),
    0,
    'none is there twice',
  );
  const times = names.flatMap((_, index) => restartTimes(h, index)).sort((a, b) => a - b);
  const lines = found.reduce((sum, each) => sum + each.lines, 0);
  t.comment(
    `${lines} lines, ${times.length} restarts: half within ${times[times.length >> 1]} ms, all within ${times.at(-1)} ms`,
  );
  t.ok((times[times.length >> 1] as number) < 1_000, 'restarts do not wait');
});
