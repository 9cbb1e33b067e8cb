// Thirty children that print at once what they would print in an hour (in the soak; a part of it otherwise): no line lost, torn
// or out of order, and the supervisor grows neither in memory nor in descriptors.
import { readdirSync } from 'node:fs';
import t from 'tap';
import { serviceRig } from './rig-services.ts';

const CHILDREN = 30;
/** Ten lines a second for an hour, or for four minutes. */
const LINES = process.env.SUITE_SOAK ? 36_000 : 2400;
const SAMPLE_MS = 50;
/** What a garbage collector may leave between two looks. */
const GROWTH_MAX = 1.5;

const names = Array.from({ length: CHILDREN }, (_, index) => `child${String(index).padStart(2, '0')}`);
const rig = serviceRig(`
  load: !Supervise
    mode: wait-all-successful
    children:
${names.map(name => `      ${name}: !Command {container: tiny, run: "seq 1 ${LINES} | sed 's/.*/${name} says & äöü and some more words/'"}`).join('\n')}
`);
t.teardown(() => rig.remove());

interface Sample {
  readonly residentKiB: number;
  readonly fds: number;
}

function sample(pid: number): Sample | undefined {
  const resident = /^VmRSS:\s+(\d+)/m.exec(rig.procFile(String(pid), 'status'))?.[1];
  try {
    return resident === undefined
      ? undefined
      : { residentKiB: Number(resident), fds: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}

t.test('row j: an hour of thirty children', async t => {
  const running = rig.start(['load']);
  const samples: Sample[] = [];
  const timer = setInterval(() => {
    const one = sample(running.child.pid ?? 0);
    if (one !== undefined) samples.push(one);
  }, SAMPLE_MS);
  const { code, stdout, stderr } = await running.ended;
  clearInterval(timer);
  t.equal(code, 0, stderr.slice(0, 200));
  const next = new Map(names.map(name => [name, 1]));
  const bad: string[] = [];
  for (const line of stdout.trimEnd().split('\n')) {
    const name = line.slice(0, line.indexOf(' '));
    const number = next.get(name) ?? 0;
    if (line !== `${name} | ${name} says ${number} äöü and some more words`) bad.push(line);
    next.set(name, number + 1);
  }
  t.same(bad.slice(0, 5), []);
  t.ok(
    [...next.values()].every(number => number === LINES + 1),
    'every line of every child',
  );
  const half = samples.slice(samples.length >> 1);
  const peak = Math.max(...samples.slice(0, samples.length >> 1).map(({ residentKiB }) => residentKiB));
  const last = half.at(-1) ?? { residentKiB: 0, fds: 0 };
  t.comment(
    `${samples.length} looks; resident ${peak} KiB in the first half, ${last.residentKiB} KiB in the end`,
  );
  t.ok(last.residentKiB < peak * GROWTH_MAX, 'memory is flat');
  t.ok(last.fds <= Math.max(...samples.map(({ fds }) => fds)), 'descriptors go down again');
  t.same(rig.list('.vagga/.run'), []);
});
