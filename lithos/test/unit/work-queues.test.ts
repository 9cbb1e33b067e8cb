// The order of what is done to the files of one instance, and what waits for a quiet moment.
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import t from 'tap';
import { TIMES } from '../../src/config/defaults.ts';
import { WorkQueues } from '../../src/daemon/work-queues.ts';

/** Time that stands still until `pass`. */
function laboratory() {
  const waiting = new Map<Timer, () => void>();
  const delays: number[] = [];
  const after = (delayMs: number, work: () => void): Timer => {
    delays.push(delayMs);
    const timer: Timer = { cancel: () => void waiting.delete(timer) };
    waiting.set(timer, work);
    return timer;
  };
  const clock: Clock = { wallMs: () => 0, monotonicMs: () => 0, after };
  const done: string[] = [];
  const queues = new WorkQueues(clock, (name, error) => done.push(`${name}: ${error.message}`));
  const say = (word: string) => async () => void done.push(word);
  const pass = () => {
    for (const [timer, work] of [...waiting]) {
      waiting.delete(timer);
      work();
    }
  };
  return { queues, done, say, pass, delays, waiting };
}

/** Every promise that can settle without time has done so. */
async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

t.test('work of one name keeps its order, and a failure stops nothing', async t => {
  const { queues, done, say } = laboratory();
  queues.add('a', say('one'));
  queues.add('a', async () => {
    throw new Error('broken');
  });
  queues.add('a', say('three'));
  await queues.idle();
  t.same(done, ['one', 'a: broken', 'three']);
});

t.test('calm work leaves a moment to what was begun before it', async t => {
  const { queues, done, say, pass, delays } = laboratory();
  queues.add('a', say('start'));
  queues.addCalm('a', say('tidy'));
  await settled();
  t.same(done, ['start']);
  t.same(delays, [TIMES.calmMs]);
  pass();
  await settled();
  t.same(done, ['start', 'tidy']);
});

t.test('whoever comes behind calm work does not wait for it to be calm', async t => {
  const { queues, done, say, waiting } = laboratory();
  queues.addCalm('a', say('tidy'));
  queues.addCalm('a', say('prepare'));
  await settled();
  queues.addCalm('b', say('other'));
  queues.add('a', say('start'));
  await settled();
  t.same(done, ['tidy', 'prepare', 'start']);
  t.equal(waiting.size, 1, 'the other name waits on');
});

t.test('the end of the tree waits for no pause', async t => {
  const { queues, done, say, waiting } = laboratory();
  queues.addCalm('a', say('tidy'));
  await settled();
  await queues.idle();
  t.same(done, ['tidy']);
  t.equal(waiting.size, 0);
});
