// The supervise machine (spec §1.10): every transition drawn above it.
import t from 'tap';
import {
  type SuperviseEvent,
  type SuperviseState,
  superviseStart,
  superviseStep,
} from '../../src/core/supervise/machine.ts';

type Mode = 'stop-on-failure' | 'wait-all-successful';

/** Feeds events; returns the last state and all effects as short texts. */
function play(mode: Mode, ...events: SuperviseEvent[]): { state: SuperviseState; said: string[] } {
  let state = superviseStart(['a', 'b']);
  const said: string[] = [];
  for (const event of events) {
    const step = superviseStep(state, event, { mode, killUnresponsiveAfterS: 2 });
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === 'say') said.push(`${effect.to}: ${effect.text}`);
      else if (effect.kind === 'start-timer') said.push(`timer ${effect.seconds}`);
      else said.push(`${effect.kind === 'send' ? effect.signal : 'kill'} ${effect.names}`);
    }
  }
  return { state, said };
}

const exit = (name: string, code: number): SuperviseEvent => ({ kind: 'exited', name, pid: 7, code });

t.test('stop-on-failure: the first end ends all', async t => {
  const { state, said } = play('stop-on-failure', exit('a', 0), exit('b', 143));
  t.same(said, [
    'stdout: ---------- Process a:7 exited with code 0. Shutting down -----------',
    'SIGTERM b',
    'timer 2',
  ]);
  t.same(state, { kind: 'ended', code: 0 });
  t.match(play('stop-on-failure', exit('a', 255)).said[0], 'exited with code -1.');
  t.match(play('stop-on-failure', exit('a', 143)).said[0], 'killed by signal SIGTERM[15].');
});

t.test('wait-all-successful: only a bad end ends the others', async t => {
  t.same(play('wait-all-successful', exit('a', 0)).state, { kind: 'running', alive: ['b'] });
  t.same(play('wait-all-successful', exit('a', 0), exit('b', 0)), {
    state: { kind: 'ended', code: 0 },
    said: [],
  });
  t.same(play('wait-all-successful', exit('a', 3), exit('b', 0)).state, { kind: 'ended', code: 3 });
});

t.test('who does not stop in time is killed', async t => {
  const { state, said } = play('stop-on-failure', exit('a', 1), { kind: 'time-is-up' });
  t.match(said.slice(3), [
    /Processes \["b"\] are still alive\. Killing \.\.\./,
    /kill-unresponsive-after/,
    'kill b',
  ]);
  t.same(state, { kind: 'killing', alive: ['b'], code: 1 });
  t.same(play('stop-on-failure', exit('a', 1), { kind: 'time-is-up' }, exit('b', 137)).state, {
    kind: 'ended',
    code: 1,
  });
});

t.test('a signal stops in order, a second one kills', async t => {
  const signal = { kind: 'signal', signal: 'SIGINT' } as const;
  const once = play('stop-on-failure', signal);
  t.same(once.said, [
    'stderr: Received SIGINT signal. Waiting the processes to stop...',
    'SIGINT a,b',
    'timer 2',
  ]);
  t.same(play('stop-on-failure', signal, exit('a', 130), exit('b', 0)).state, { kind: 'ended', code: 130 });
  t.equal(play('stop-on-failure', signal, signal).said.at(-1), 'kill a,b');
  t.match(
    play('stop-on-failure', { kind: 'signal', signal: 'SIGTERM' }).said[0],
    /SIGTERM signal\. {2}Waiting/,
  );
});

t.test('a child that cannot start ends the run with 127', async t => {
  const { state, said } = play(
    'wait-all-successful',
    { kind: 'not-started', name: 'a', reason: 'gone' },
    exit('b', 143),
  );
  t.match(said[0], 'Process a could not be run: gone. Shutting down');
  t.same(state, { kind: 'ended', code: 127 });
});
