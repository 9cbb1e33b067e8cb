import t from 'tap';
import { printable, printableInColour, shortened } from '../../src/core/instance/printable.ts';
import { describeState } from '../../src/core/instance/words.ts';

const NOW_MS = 1_000_000;
const QUIET = {
  state: 'running',
  ready: true,
  reason: null,
  nextStartWallMs: null,
  problem: null,
  failuresInRow: 5,
} as const;

t.test('every state has words that say what is wrong and what comes next', async t => {
  const words = (change: Partial<Parameters<typeof describeState>[0]>) =>
    describeState({ ...QUIET, ...change }, NOW_MS);
  const waiting = {
    state: 'waiting',
    ready: false,
    reason: 'interval',
    nextStartWallMs: NOW_MS + 800,
  } as const;
  t.equal(words({}), 'running');
  t.equal(words({ problem: 'its monitor is gone' }), 'running; its monitor is gone');
  t.equal(words({ ready: false }), 'running, not ready yet');
  t.equal(words({ ready: false, problem: 'port 80 refused' }), 'not ready: port 80 refused');
  t.equal(words(waiting), 'waiting: starts again in 0.8 s');
  t.equal(words({ ...waiting, nextStartWallMs: NOW_MS - 1 }), 'waiting: starts again now');
  t.equal(words({ ...waiting, problem: 'no image' }), 'failing: no image; starts again in 0.8 s');
  t.equal(
    words({ ...waiting, reason: 'back-off', nextStartWallMs: NOW_MS + 12_000 }),
    'waiting: back-off after 5 failures, starts again in 12 s',
  );
  t.equal(
    words({ ...waiting, reason: 'back-off', nextStartWallMs: NOW_MS + 120_000 }),
    'waiting: back-off after 5 failures, starts again in 2 min',
  );
  t.equal(words({ ...waiting, reason: 'after', problem: 'db' }), 'waiting for other processes: db');
  t.equal(words({ ...waiting, reason: 'roll-out' }), 'waiting for its turn in the roll-out');
  t.equal(words({ state: 'failed', problem: '5 failures in a row' }), 'failed: 5 failures in a row');
  t.equal(words({ state: 'stopping' }), 'stopping: has been asked to end');
  t.equal(words({ state: 'starting' }), 'starting');
});

t.test('words of programs do nothing to a terminal, but for colours in a log', async t => {
  const hostile = 'a\x1b]52;c;cm0=\x07b\x1b[2Jc\rd\u009b31me\tf';
  t.equal(printable(hostile), 'a\ufffd]52;c;cm0=\ufffdb\ufffd[2Jc\ufffdd\ufffd31me\tf');
  t.same([shortened('four', 4), shortened('fives', 4)], ['four', 'five …']);
  t.equal(printableInColour(hostile), printable(hostile));
  t.equal(printableInColour('\x1b[1;31mred\x1b[0m \x1b[38:5:9mx'), '\x1b[1;31mred\x1b[0m \x1b[38:5:9mx');
});
