// The supervise machine (spec §1.10): transitions of a run and of its children, without any process.
import t from 'tap';
import type { ChildCommand, SuperviseCommand } from '../../src/config/model.ts';
import type { ChildOptions } from '../../src/core/supervise/child.ts';
import { LineCutter } from '../../src/core/supervise/lines.ts';
import { superviseStart, superviseStep } from '../../src/core/supervise/machine.ts';
import { namedTargets, shortName } from '../../src/core/supervise/named.ts';
import { selectChildren } from '../../src/core/supervise/select.ts';
import type { SuperviseEvent, SuperviseOptions, SuperviseState } from '../../src/core/supervise/types.ts';
import { project } from './helpers.ts';

const PLAIN: ChildOptions = {
  after: [],
  ready: 'started',
  restart: 'never',
  restartBackoffMaxS: 30,
  maxRestarts: 0,
  stopSignal: 'TERM',
};

type Some = Readonly<Record<string, Partial<ChildOptions>>>;

const optionsOf = (mode: SuperviseOptions['mode'], some: Some): SuperviseOptions => ({
  mode,
  killUnresponsiveAfterS: 2,
  children: Object.fromEntries(Object.entries(some).map(([name, own]) => [name, { ...PLAIN, ...own }])),
});

/** A run without processes: `say` tells in short texts what the machine wants; pids count from 1 by start. */
class Play {
  readonly options: SuperviseOptions;
  state: SuperviseState;
  said: string[] = [];
  readonly pids = new Map<string, number>();
  #lastPid = 0;

  constructor(mode: SuperviseOptions['mode'], some: Some) {
    this.options = optionsOf(mode, some);
    this.state = superviseStart(Object.keys(some));
    this.event({ kind: 'begin' });
  }

  event(event: SuperviseEvent): this {
    const { state, effects } = superviseStep(this.state, event, this.options);
    this.state = state;
    const started: string[] = [];
    for (const effect of effects) {
      if (effect.kind === 'say') this.said.push(`${effect.to}: ${effect.text}`);
      else if (effect.kind === 'give-time') this.said.push(`time ${effect.seconds} ${effect.pids}`);
      else if (effect.kind === 'back-off') this.said.push(`back-off ${effect.name} ${effect.delayMs}`);
      else if (effect.kind === 'send') this.said.push(`${effect.signal} ${effect.names}`);
      else if (effect.kind === 'kill') this.said.push(`kill ${effect.names}`);
      else if (effect.kind === 'start') {
        this.said.push(`start ${effect.name}`);
        started.push(effect.name);
      }
    }
    for (const name of started) {
      this.pids.set(name, ++this.#lastPid);
      this.event({ kind: 'started', name, pid: this.#lastPid });
    }
    return this;
  }

  exit(name: string, code: number, ranMs = 0): this {
    return this.event({ kind: 'exited', name, pid: this.pids.get(name) ?? 0, code, ranMs });
  }

  ready(name: string): this {
    return this.event({ kind: 'ready', name, pid: this.pids.get(name) ?? 0 });
  }

  /** What was said since the last call. */
  news(): string[] {
    const news = this.said;
    this.said = [];
    return news;
  }
}

const both = (mode: SuperviseOptions['mode'], more: Some = {}) => {
  const play = new Play(mode, { a: {}, b: {}, ...more });
  play.news();
  return play;
};

t.test('§1.10 end-texts, §1.10 exit-code, §1.6 mode: the first end ends all', async t => {
  const play = both('stop-on-failure').exit('a', 0);
  t.same(play.news(), [
    'stdout: ---------- Process a:1 exited with code 0. Shutting down -----------',
    'SIGTERM b',
    'time 2 2',
  ]);
  t.match(play.exit('b', 143).state, { kind: 'ended', code: 0 });
  t.match(both('stop-on-failure').exit('a', 255).news()[0], 'exited with code -1.');
  t.match(both('stop-on-failure').exit('a', 143).news()[0], 'killed by signal SIGTERM[15].');
  t.match(both('stop-on-failure').exit('a', 137).state, { kind: 'stopping', code: 137 });
});

t.test('§1.6 mode: wait-all-successful: only a bad end ends the others', async t => {
  t.match(both('wait-all-successful').exit('a', 0).state, { kind: 'running' });
  const fine = both('wait-all-successful').exit('a', 0).exit('b', 0);
  t.match(fine.state, { kind: 'ended', code: 0 });
  t.same(fine.news(), []);
  t.match(both('wait-all-successful').exit('a', 3).exit('b', 0).state, { kind: 'ended', code: 3 });
});

t.test('§1.10 start-order: by name; those with a network after the others, bridges last', async t => {
  const { commands } = project(`containers: {c: {setup: []}}
commands:
  all: !Supervise
    children:
      a-bridge: !BridgeCommand {container: c, run: x}
      b-network: !Command {container: c, run: x, network: {ip: 172.23.0.3}}
      zz: !Command {container: c, run: x}
      a-network: !Command {container: c, run: x, network: {ip: 172.23.0.2}}
      y: !Command {container: c, run: x}
`);
  const { children } = commands.all as SuperviseCommand;
  t.same(selectChildren(children, {}), ['y', 'zz', 'a-network', 'b-network', 'a-bridge']);
});

t.test('§1.10 unresponsive: who does not stop in time is named and killed', async t => {
  const play = both('stop-on-failure').exit('a', 1);
  play.news();
  play.event({ kind: 'time-is-up', pids: [1] });
  t.same(play.news(), [], 'the time of one that has ended');
  play.event({ kind: 'time-is-up', pids: [2] });
  t.match(play.news(), [
    'stdout: ---------- Processes ["b"] are still alive. Killing ... -----------',
    /kill-unresponsive-after/,
    'kill b',
  ]);
  t.match(play.exit('b', 137).state, { kind: 'ended', code: 1 });
});

t.test('§1.10 signals: one stops in order, a second one kills', async t => {
  const signal = { kind: 'signal', signal: 'SIGINT' } as const;
  const play = both('stop-on-failure').event(signal);
  t.same(play.news(), [
    'stderr: Received SIGINT signal. Waiting the processes to stop...',
    'SIGINT a,b',
    'time 2 1,2',
  ]);
  play.event({ kind: 'reminder' });
  t.same(play.news(), ['stderr: Still waiting for a, b. Once more kills at once.']);
  t.match(play.exit('a', 130).exit('b', 0).state, { kind: 'ended', code: 130 });
  t.equal(both('stop-on-failure').event(signal).event(signal).news().at(-1), 'kill a,b');
  const term = both('stop-on-failure').event({ kind: 'signal', signal: 'SIGTERM' });
  t.match(term.news()[0], /SIGTERM signal\. {2}Waiting/);
  t.match(term.state, { code: 143 });
});

t.test('§1.10 end-texts: a child that cannot start ends the run with 127', async t => {
  const play = both('wait-all-successful').event({ kind: 'not-started', name: 'a', reason: 'gone' });
  t.match(play.news()[0], 'stdout: ---------- Process a could not be run: gone. Shutting down -----------');
  t.match(play.exit('b', 143).state, { kind: 'ended', code: 127 });
});

t.test('after: a child starts when those before it are ready', async t => {
  const play = new Play('stop-on-failure', {
    app: { after: ['db', 'init'] },
    db: { ready: 'checked' },
    init: { after: ['db'], ready: 'ended' },
    web: {},
  });
  t.same(play.news(), ['start db', 'start web']);
  play.event({ kind: 'ready', name: 'db', pid: 99 });
  t.same(play.news(), [], 'what another process has answered');
  t.same(play.ready('db').news(), ['start init']);
  t.same(play.exit('init', 0).news(), ['start app'], 'a job that has done its work ends nothing');
  play.event({ kind: 'signal', signal: 'SIGINT' });
  t.same(play.news().slice(1), ['SIGINT app,web', 'time 2 4,2'], 'first those that nobody needs');
  play.event({ kind: 'reminder' });
  t.match(play.news(), ['stderr: Still waiting for app, web, then db. Once more kills at once.']);
  t.same(play.exit('web', 130).news(), []);
  t.same(play.exit('app', 130).news(), ['SIGINT db', 'time 2 1']);
  t.match(play.exit('db', 0).state, { kind: 'ended', code: 130 });
});

t.test('after: one that was not selected is not waited for', async t => {
  t.same(new Play('stop-on-failure', { app: { after: ['db'] } }).news(), ['start app']);
});

t.test('ready: who never gets so ends the run, and so does one that others wait for', async t => {
  const late = new Play('stop-on-failure', { db: { ready: 'checked' }, app: { after: ['db'] } });
  late.news();
  late.event({ kind: 'not-ready', name: 'db', pid: 1, reason: '60 s are over' });
  t.same(late.news(), [
    'stdout: ---------- Process db:1 is not ready: 60 s are over. Shutting down -----------',
    'SIGTERM db',
    'time 2 1',
  ]);
  t.match(late.exit('db', 143).state, { kind: 'ended', code: 124 });
  const early = new Play('wait-all-successful', { db: { ready: 'checked' }, app: { after: ['db'] } });
  t.match(early.exit('db', 0).state, { kind: 'ended', code: 1 });
  t.match(early.news().at(-1), 'exited with code 0 before it was ready. Shutting down');
  const job = new Play('stop-on-failure', { job: { ready: 'ended' }, app: { after: ['job'] } });
  t.match(job.exit('job', 4).state, { kind: 'ended', code: 4 });
  const jobs = new Play('stop-on-failure', { one: { ready: 'ended' }, two: { ready: 'ended' } });
  t.match(jobs.exit('one', 0).exit('two', 0).state, { kind: 'ended', code: 0 });
});

t.test('restart: the pauses double up to their limit, and a long life makes them short again', async t => {
  const play = new Play('stop-on-failure', { a: { restart: 'on-failure', restartBackoffMaxS: 2 } });
  const delays: (string | undefined)[] = [];
  for (const ranMs of [0, 0, 0, 0, 60_000]) {
    delays.push(play.exit('a', 1, ranMs).news().at(-1));
    play.event({ kind: 'back-off-over', name: 'a' });
  }
  t.same(
    delays,
    [500, 1000, 2000, 2000, 500].map(ms => `back-off a ${ms}`),
  );
  play.news();
  t.match(play.exit('a', 0).state, { kind: 'ended', code: 0 }, 'on-failure: a good end is one');
  const always = new Play('stop-on-failure', { a: { restart: 'always', maxRestarts: 1 } });
  always.exit('a', 0);
  t.match(always.news()[1], 'Process a:1 exited with code 0. Starting again in 0.5 s (1 of 1)');
  always.event({ kind: 'back-off-over', name: 'a' }).exit('a', 7);
  t.match(always.state, { kind: 'ended', code: 7 }, 'no more than max-restarts');
  const waiting = new Play('stop-on-failure', { a: { restart: 'always' } });
  waiting.exit('a', 1).event({ kind: 'signal', signal: 'SIGTERM' });
  t.match(waiting.state, { kind: 'ended', code: 143 }, 'a pause is no reason to wait');
  const late = new Play('stop-on-failure', { a: { restart: 'on-failure', ready: 'checked' } });
  late.news();
  late.event({ kind: 'not-ready', name: 'a', pid: 1, reason: 'late' });
  t.same(late.news(), ['SIGTERM a', 'time 2 1']);
  t.match(late.exit('a', 0).news().at(-1), 'back-off a 500', 'who is not ready in time has failed');
});

t.test('names of runs: a command, its child, or one of several by its supervisor', async t => {
  const run = (command: string, pid: number) => ({ command, pid, children: ['db', command] });
  const runs = [run('up', 1), run('up', 2), run('test', 3)];
  const chosen = (...names: string[]) => {
    const found = namedTargets(runs, names);
    return found.ok ? found.targets.map(({ run: { pid }, children }) => [pid, ...children]) : found.message;
  };
  t.same(chosen(), [[1], [2], [3]]);
  t.same(chosen('up'), [[1], [2]]);
  t.same(chosen('up@2'), [[2]]);
  t.same(chosen('up@1/db', 'test/db', 'up@1/up'), [
    [1, 'db', 'up'],
    [3, 'db'],
  ]);
  t.same(chosen('up/db', 'up@2'), [[1, 'db'], [2]]);
  t.equal(chosen('db'), 'db is not clear: up/db, test/db');
  t.equal(chosen('none'), 'none is not running (there are: up, test)');
  t.same(
    runs.map(each => shortName(each, runs)),
    ['up@1', 'up@2', 'test'],
  );
});

t.test('one by one: children are started again or stopped while the others go on', async t => {
  const play = both('stop-on-failure', { c: { stopSignal: 'USR1' } });
  play.event({ kind: 'restart', names: ['a', 'c'] });
  t.same(play.news(), ['SIGTERM a', 'SIGUSR1 c', 'time 2 1,3']);
  play.event({ kind: 'time-is-up', pids: [1] });
  t.equal(play.news().at(-1), 'kill a');
  t.same(play.exit('a', 137).exit('c', 138).news(), ['start a', 'start c']);
  play.event({ kind: 'stop', names: ['b', 'c'] }).news();
  t.match(play.exit('b', 143).exit('c', 138).state, { kind: 'running' });
  play.event({ kind: 'restart', names: ['b'] });
  t.same(play.news(), ['start b'], 'who was stopped can be started again');
  play.event({ kind: 'stop', names: ['a', 'b'] });
  t.match(play.exit('a', 143).exit('b', 143).state, { kind: 'ended', code: 0 });
});

t.test('started again in order: whoever needs another waits for its new process', async t => {
  const play = new Play('stop-on-failure', { db: { ready: 'checked' }, web: { after: ['db'] } });
  play.event({ kind: 'ready', name: 'db', pid: 1 });
  play.news();
  play.event({ kind: 'restart', names: ['db', 'web'] });
  t.same(play.news(), ['SIGTERM db,web', 'time 2 1,2']);
  t.same(play.exit('web', 143).news(), [], 'not beside the old db');
  play.event({ kind: 'ready', name: 'db', pid: 1 });
  play.event({ kind: 'not-ready', name: 'db', pid: 1, reason: 'it ends' });
  t.same(play.news(), [], 'nobody asks any more what the old one says');
  t.same(play.exit('db', 143).news(), ['start db']);
  play.event({ kind: 'ready', name: 'db', pid: 3 });
  t.same(play.news(), ['start web']);
});

t.test('asked to end while it is being started: as soon as there is a process', async t => {
  const options = optionsOf('stop-on-failure', { a: {}, b: {} });
  const step = (state: SuperviseState, event: SuperviseEvent) => superviseStep(state, event, options);
  const begun = step(superviseStart(['a', 'b']), { kind: 'begin' }).state;
  const asked = step(begun, { kind: 'stop', names: ['a'] }).state;
  t.match(step(asked, { kind: 'started', name: 'a', pid: 7 }).effects, [
    { kind: 'send', signal: 'SIGTERM', names: ['a'] },
    { kind: 'give-time', pids: [7] },
  ]);
});

const cut = (maxBytes: number, ...chunks: string[]) => {
  const cutter = new LineCutter(maxBytes);
  const lines = chunks.flatMap(chunk => cutter.push(Buffer.from(chunk, 'latin1')));
  return [...lines, ...cutter.end()].map(line => Buffer.from(line).toString('latin1'));
};

t.test('lines: whole whatever the pieces, none without an end lost', async t => {
  t.same(cut(100, 'one\ntw', 'o\n\nthr', 'ee'), ['one', 'two', '', 'three']);
  t.same(cut(100, '\n'), ['']);
  t.same(cut(100), []);
  t.same(cut(4, 'abcdefghij\nk'), ['abcd', 'efgh', 'ij', 'k'], 'too long ones come in pieces');
  const umlauts = Buffer.from('äöü').toString('latin1');
  t.same(
    cut(3, umlauts).map(piece => Buffer.from(piece, 'latin1').toString()),
    ['ä', 'ö', 'ü'],
  );
  const text = Array.from({ length: 200 }, (_, index) => 'x'.repeat(index % 17)).join('\n');
  for (const size of [1, 2, 3, 7, 64, 1000]) {
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    t.same(cut(1000, ...pieces).join('\n'), text.replace(/\n$/, ''), `in pieces of ${size}`);
  }
});

t.test(
  '§1.10 start-order: by name; those with a network of their own after the others, bridges last',
  async t => {
    const child = (more: object) => ({ tags: [], bridge: false, ...more }) as unknown as ChildCommand;
    const children = {
      a: child({ bridge: true }),
      b: child({ network: { ports: {} } }),
      d: child({}),
      c: child({ tags: ['some'] }),
    };
    t.same(selectChildren(children, {}), ['c', 'd', 'b', 'a']);
    t.same(selectChildren(children, { only: ['some', 'a'] }), ['c', 'a']);
    t.same(selectChildren(children, { exclude: ['some', 'd'] }), ['b', 'a']);
  },
);
