// Thirty children that print at once what they would print in an hour, some of which are
// started again and again meanwhile: no line lost, torn or out of order, and the supervisor grows neither in memory nor in
// descriptors. All of them live from the first line to the last, so that what is compared is alike.
import { readdirSync } from 'node:fs';
import t from 'tap';
import { type Running, until } from './rig.ts';
import { serviceRig } from './rig-services.ts';

const CHILDREN = 30;
const RESTARTED = CHILDREN / 6;
/** Every sixth is started so often. */
const STARTS = process.env.SUITE_SOAK ? 100 : 8;
/** 500 lines a second for an hour; 20 otherwise. */
const LINES = process.env.SUITE_SOAK ? 1_800_000 : 72_000;
const LINES_PER_START = LINES / STARTS;
const SAMPLE_MS = 50;
/** The time to print everything, on a machine that does much else. */
const DEADLINE_MS = process.env.SUITE_SOAK ? 550_000 : 120_000;
/**
 * V8 lets garbage pile up before it looks at old objects: 20 to 50 MB in the first two million lines, 7 MB in all the others. Kept
 * lines would be 80 MB even in the short run; in the long one a byte for each would be seen.
 */
const GROWTH_MAX_KIB = (process.env.SUITE_SOAK ? 20 : 56) * 1024;
/** While all those are being started at once: pipes of a look whether it is ready, and files of the engine. */
const FDS_OF_STARTS = 6 * RESTARTED;

const names = Array.from({ length: CHILDREN }, (_, index) => `child${String(index).padStart(2, '0')}`);
const text = (name: string, number: string) => `${name} says ${number} äöü and some more words`;
const wait = (file: string) => `until test -e ${file}; do sleep 0.1; done`;
const print = (name: string, range: string) => `seq ${range} | sed "s/.*/${text(name, '&')}/"`;
const steady = (name: string) => `${wait('go')}; ${print(name, `1 ${LINES}`)}; ${wait('end')}`;
const restarted = (name: string) =>
  [
    `${wait('go')}; echo x >> tries.${name}; n=$(wc -l < tries.${name})`,
    print(name, `$(((n - 1) * ${LINES_PER_START} + 1)) $((n * ${LINES_PER_START}))`),
    `test $n -eq ${STARTS} || exit 1; ${wait('end')}`,
  ].join('; ');

function child(name: string, index: number): string {
  const own = index % 6 === 0 ? 'restart: on-failure, restart-backoff-max: 0, ' : '';
  const run = index % 6 === 0 ? restarted(name) : steady(name);
  return `      ${name}: !Command {container: tiny, ${own}ready: !Exec "true", run: '${run}'}\n`;
}

const rig = serviceRig(`
  load: !Supervise
    mode: wait-all-successful
    children:
${names.map(child).join('')}`);
t.teardown(() => rig.remove());

interface Sample {
  /** Of all, that had come by then. */
  readonly lines: number;
  readonly residentKiB: number;
  readonly fds: number;
}

function sample(pid: number, lines: number): Sample {
  const resident = /^VmRSS:\s+(\d+)/m.exec(rig.procFile(String(pid), 'status'))?.[1];
  return { lines, residentKiB: Number(resident), fds: readdirSync(`/proc/${pid}/fd`).length };
}

/** Looks at lines as they come: whether each is the next one of its child. */
class LineCheck {
  readonly bad: string[] = [];
  count = 0;
  restarts = 0;
  readonly #next = new Map(names.map(name => [name, 1]));

  /** Takes what is whole. */
  take(running: Running): void {
    const end = running.stdout.lastIndexOf('\n');
    if (end < 0) return;
    const lines = running.stdout.slice(0, end).split('\n');
    running.stdout = running.stdout.slice(end + 1);
    for (const line of lines) this.#look(line);
  }

  #look(line: string): void {
    const name = line.slice(0, line.indexOf(' '));
    const number = this.#next.get(name);
    if (number !== undefined && line === `${name} | ${text(name, String(number))}`) {
      this.#next.set(name, number + 1);
      this.count++;
    } else if (/^-+ Process child\d\d:\d+ exited with code 1\. Starting again in 0 s -+$/.test(line)) {
      this.restarts++;
    } else this.bad.push(line);
  }
}

const floor = (all: readonly Sample[]) => Math.min(...all.map(({ residentKiB }) => residentKiB));
const most = (all: readonly Sample[]) => Math.max(...all.map(({ fds }) => fds));

t.test('row j: an hour of thirty children', async t => {
  const running = rig.start(['load']);
  await until(() => rig.run('_ps', '--wait', 'load').code === 0, 'all of them are there');
  const pid = running.child.pid ?? 0;
  const check = new LineCheck();
  const samples: Sample[] = [];
  const before = sample(pid, 0).fds;
  const timer = setInterval(() => {
    check.take(running);
    samples.push(sample(pid, check.count));
  }, SAMPLE_MS);
  rig.write('go', '');
  await until(() => check.count === LINES * CHILDREN || check.bad.length > 0, 'every line', DEADLINE_MS);
  clearInterval(timer);
  const end = sample(pid, check.count);
  await until(() => sample(pid, check.count).fds <= before, 'descriptors of so many starts are gone');
  rig.write('end', '');
  const { code, stderr } = await running.ended;
  check.take(running);
  t.same(check.bad.slice(0, 5), []);
  t.equal(check.count, LINES * CHILDREN, 'every line of every child');
  t.equal(check.restarts, RESTARTED * (STARTS - 1));
  t.equal(code, 0, stderr.slice(0, 200));
  const part = (from: number, to: number) =>
    samples.filter(({ lines }) => lines >= from * LINES * CHILDREN && lines <= to * LINES * CHILDREN);
  const tenths = Array.from({ length: 10 }, (_, index) => floor(part(index / 10, (index + 1) / 10)));
  t.comment(`${samples.length} looks; KiB at least by tenths: ${tenths.join(' ')}`);
  t.comment(`descriptors: ${before}, meanwhile at most ${most(samples)}, in the end ${end.fds}`);
  t.ok(floor([...part(0.75, 1), end]) <= floor(part(0.15, 0.25)) + GROWTH_MAX_KIB, 'memory is flat');
  t.ok(most(samples) <= before + FDS_OF_STARTS, 'also in between');
  t.same(rig.list('.vagga/.run'), []);
});
