import { equal } from 'node:assert/strict';
import type { Dataset, QueryRule, SeriesFunction } from '@suite/shared/wire/cantal.ts';
import { decode } from 'cbor-x';
import * as fc from 'fast-check';
import t from 'tap';
import { History } from '../../src/core/history/history.ts';
import { Tips } from '../../src/core/history/tips.ts';
import { evaluateCbor, evaluateJson } from '../../src/core/query/evaluate.ts';
import { parseQuery } from '../../src/core/query/parse.ts';
import { Pattern } from '../../src/core/query/pattern.ts';

const nan = Number.NaN;

/** Four scans at 2 s: two processes with a counter each (one is reset), a gauge and a float. */
function store(): { history: History; tips: Tips } {
  const history = new History({ keepMs: 3_600_000, epochScans: 3, maxSeries: 100 });
  const a = history.open({ pid: '1', cgroup: 'web' }, [{ labels: { metric: 'requests' }, kind: 'Counter' }]);
  const b = history.open({ pid: '2', cgroup: 'web' }, [{ labels: { metric: 'requests' }, kind: 'Counter' }]);
  const rest = history.open({}, [
    { labels: { metric: 'free' }, kind: 'Integer' },
    { labels: { metric: 'load' }, kind: 'Float' },
  ]);
  if (a === undefined || b === undefined || rest === undefined) throw new Error('no room');
  [
    [10, nan, 100, 1],
    [20, 5, 90, 1.5],
    [30, 1, 80, 2],
    [50, 3, 85, 2],
  ].forEach((row, index) => {
    row.forEach((value, column) => {
      history.set([a.first, b.first, rest.first, rest.first + 1][column] as number, value);
    });
    history.commit(2000 * (index + 1));
  });
  const tips = new Tips(60_000);
  tips.push([{ key: { state: 'django.worker', pid: '1' }, value: [7000, 'render'] }], 8000);
  return { history, tips };
}

function rule(
  metric: string,
  extract: QueryRule['extract'],
  functions: readonly SeriesFunction[] = [],
): QueryRule {
  return { series: { source: 'Fine', condition: ['Eq', 'metric', metric] }, extract, functions };
}

/** Runs a sliced evaluation to its end. */
function finish<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

function ask(one: QueryRule): Dataset {
  return (JSON.parse(finish(evaluateJson(parseQuery({ rules: { one } }), store()))) as { one: Dataset }).one;
}

t.test('extracts', async t => {
  t.same(ask(rule('free', ['HistoryByNum', 2])), {
    type: 'MultiSeries',
    timestamps: [8000, 6000],
    series: [{ key: { metric: 'free' }, kind: 'Integer', values: [85, 80] }],
  });
  t.match(
    ask(rule('free', ['HistoryByNum', 100])),
    { timestamps: [8000, 6000, 4000, 2000] },
    'no more than there is',
  );
  t.match(ask(rule('free', ['HistoryByNum', 0])), { type: 'MultiSeries', series: [] });
  t.match(
    ask(rule('free', ['HistoryByTime', 3000])),
    { timestamps: [8000, 6000, 4000] },
    'to the first one old enough',
  );
  t.same(ask(rule('free', ['Tip'])), {
    type: 'MultiTip',
    tips: [{ key: { metric: 'free' }, kind: 'Integer', value: 85, timestamps: [8000, 8000] }],
  });
  t.match(
    ask(rule('free', ['DiffToAtMost', 2])),
    { tips: [{ value: -5, timestamps: [8000, 4000] }] },
    'gauges may fall',
  );
  t.match(
    ask(rule('requests', ['DiffToAtMost', 3])),
    {
      tips: [
        { value: 40, timestamps: [8000, 2000] },
        { value: 0, timestamps: [8000, 4000] },
      ],
    },
    'counters do not; the oldest sample there is',
  );
});

t.test('functions', async t => {
  const rate = ask(rule('requests', ['HistoryByNum', 4], [['NonNegativeDerivative']]));
  t.match(rate, {
    timestamps: [8000, 6000, 4000],
    series: [
      { kind: 'Float', values: [10, 5, 5] },
      { kind: 'Float', values: [1, null, null] },
    ],
  });
  t.match(
    ask(rule('free', ['HistoryByNum', 3], [['NonNegativeDerivative']])),
    { series: [{ values: [2.5, -5] }] },
    'gauges fall',
  );
  const sum = ask(rule('requests', ['HistoryByNum', 4], [['NonNegativeDerivative'], ['Sum', 'Ignore']]));
  t.match(
    sum,
    { type: 'SingleSeries', series: { key: {}, values: [11, 5, 5] } },
    'missing points count as absent',
  );
  t.match(
    ask(rule('free', ['HistoryByNum', 1], [['Sum', 'Ignore']])),
    { series: { key: { metric: 'free' } } },
    'one passes',
  );
  t.same(ask(rule('none', ['HistoryByNum', 1], [['Sum', 'Ignore'], ['NonNegativeDerivative']])), {
    type: 'Empty',
  });
  const by = ask(rule('requests', ['HistoryByNum', 1], [['SumBy', 'pid', 'Ignore', true]]));
  t.match(by, { series: [{ key: { pid: '1' } }, { key: { pid: '2' } }, { key: {}, values: [53] }] });
  const without = ask(rule('free', ['HistoryByNum', 1], [['SumBy', 'pid', 'Ignore', true]]));
  t.match(without, { type: 'MultiSeries', series: [] });
  t.match(ask(rule('requests', ['Tip'], [['Sum', 'Ignore']])), { type: 'SingleTip', tip: { value: 53 } });
  t.match(ask(rule('requests', ['Tip'], [['SumBy', 'cgroup', 'Ignore', true]])), {
    tips: [{ key: { cgroup: 'web' }, value: 53 }],
  });
});

t.test('what does not fit together is said, not guessed', async t => {
  const all: QueryRule = {
    ...rule('', ['HistoryByNum', 2]),
    series: { source: 'Fine', condition: ['Has', 'metric'] },
  };
  const first = (functions: readonly SeriesFunction[], extract = all.extract) =>
    ask({ ...all, extract, functions });
  t.match(first([['Sum', 'Ignore']]), { type: 'Incompatible', reason: 'Dissimilar' });
  t.match(first([['NonNegativeDerivative']], ['Tip']), { reason: 'CantDerive' });
  const diff = rule('requests', ['DiffToAtMost', 3], [['Sum', 'Ignore']]);
  t.match(ask(diff), { reason: 'CantSumTimestamps' });
  t.match(ask({ ...diff, functions: [...diff.functions, ['NonNegativeDerivative']] }), {
    reason: 'CantSumTimestamps',
  });
});

t.test('states', async t => {
  const answer = ask({ ...rule('', ['Tip']), series: { source: 'Tip', condition: ['Has', 'state'] } });
  t.match(answer, {
    tips: [
      { key: { state: 'django.worker' }, kind: 'State', value: [7000, 'render'], timestamps: [8000, 8000] },
    ],
  });
});

t.test('CBOR: tags, key bytes, floats stay floats', async t => {
  const query = parseQuery({
    rules: {
      load: rule('load', ['HistoryByNum', 4], [['Sum', 'Ignore']]),
      tip: rule('requests', ['Tip']),
      none: rule('none', ['Tip'], [['Sum', 'Ignore']]),
      bad: rule('load', ['Tip'], [['NonNegativeDerivative']]),
    },
  });
  const bytes = Buffer.concat(finish(evaluateCbor(query, store())));
  const { values } = decode(bytes) as { values: Record<string, unknown[]> };
  const key = Buffer.from('a1666d6574726963646c6f6164', 'hex');
  t.same(values.load, [100, key, [3, [2, 2, 1.5, 1]], [8000, 6000, 4000, 2000]]);
  t.ok(bytes.includes(Buffer.from('fb4000000000000000', 'hex')), '2 as a 64-bit float');
  t.match(values.tip, [
    201,
    [
      [Uint8Array, [1, 50], [8000, 8000]],
      [Uint8Array, [1, 3], [8000, 8000]],
    ],
  ]);
  t.same(values.none, [998]);
  t.same(values.bad, [999, [104]]);
});

t.test('mistakes in a query name their place and what would be right', async t => {
  const bad = (one: unknown): unknown => {
    try {
      return finish(evaluateJson(parseQuery({ rules: { one } }), store()));
    } catch (error) {
      const { message, hint } = error as Error & { hint: string };
      return hint === undefined ? error : `${message} (${hint})`;
    }
  };
  const good = rule('free', ['Tip']);
  const condition = (value: unknown) => ({ ...good, series: { source: 'Fine', condition: value } });
  t.match(bad(null), /rules\.one is not an object/);
  t.match(bad({ ...good, extract: ['Tip', 1] }), /rules\.one\.extract: "Tip" takes 0 arguments/);
  t.match(bad({ ...good, extract: ['HistoryByNum', -1] }), /not a whole number/);
  t.match(bad({ ...good, functions: [['Sum', 'Fail']] }), /functions\[0\].*only be "Ignore"/);
  t.match(bad({ ...good, functions: [['Expect', []]] }), /not available yet/);
  t.match(bad(condition(['Like', 'a', 'b'])), /unknown condition "Like"/);
  t.match(bad(condition(['RegexLike', 'metric', 'a'.repeat(600)])), /too long/);
  t.match(bad(condition(['RegexLike', 'metric', '(?=a)'])), /look-around/);
  t.match(bad(condition(['RegexLike', 'metric', '(a)\\1'])), /"\\1" is not supported/);
  let deep: unknown = ['Has', 'metric'];
  for (let depth = 0; depth < 40; depth++) deep = ['Not', deep];
  t.match(bad(condition(deep)), /nested too deeply/);
  t.throws(
    () => parseQuery({ rules: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [n, good])) }),
    /too many rules/,
  );
  t.throws(() => parseQuery([]), /no "rules"/);
});

t.test('conditions', async t => {
  const count = (condition: unknown): number => {
    const answer = ask({ ...rule('', ['Tip']), series: { source: 'Fine', condition: condition as never } });
    return answer.type === 'MultiTip' ? answer.tips.length : -1;
  };
  t.equal(count(['NotEq', 'pid', '1']), 1, 'the label must be present');
  t.equal(count(['Not', ['Eq', 'pid', '1']]), 3);
  t.equal(count(['And', ['Has', 'pid'], ['RegexLike', 'metric', '^req']]), 2);
  t.equal(count(['Or', ['Eq', 'metric', 'free'], ['Eq', 'metric', 'load']]), 2);
  t.equal(count(['RegexLike', 'pid', '']), 2);
  t.equal(count(['RegexLike', 'constructor', '.']), 0, 'a label that every object inherits');
});

t.test('patterns agree with the engine of the language', async t => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '^',
    '$',
    '\\b',
    '\\.',
    '(?:ab|b)',
    '[a-c]',
    '1',
  );
  const repeat = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '*?');
  const piece = fc.tuple(atom, repeat).map(([what, how]) => (/^[\^$]$|^\\b$/.test(what) ? what : what + how));
  const sequence = fc.array(piece, { maxLength: 5 }).map(list => list.join(''));
  const pattern = fc
    .tuple(sequence, sequence, fc.boolean())
    .map(([a, b, both]) => (both ? `(${a})|${b}` : `(${a})*${b}`));
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', '1', '.', ' ', '\n'), { maxLength: 8 })
    .map(list => list.join(''));
  fc.assert(
    fc.property(pattern, text, (source, subject) => {
      equal(
        new Pattern(source).test(subject),
        new RegExp(source).test(subject),
        `${source} on ${JSON.stringify(subject)}`,
      );
    }),
    { numRuns: 2000 },
  );
  t.ok(new Pattern('(?i)^Mem\\.').test('mEM.x'));
  t.ok(new Pattern('^net\\.interface\\.(rx|tx)\\.bytes$').test('net.interface.tx.bytes'));
});

t.test('patterns made to explode stay cheap or are refused', async t => {
  // Of one core: on a busy machine the wall clock says nothing about us.
  const begun = process.cpuUsage();
  t.notOk(new Pattern('(a*)*(a*)*(a*)*b').test('a'.repeat(1000)));
  t.notOk(new Pattern('(a|aa)+$').test(`${'a'.repeat(1000)}c`));
  for (const source of ['(){1000}{1000}{1000}', '(a{1000}){1000}', '((((a{9}){9}){9}){9}){9}']) {
    t.throws(() => new Pattern(source), /too large/);
  }
  for (const source of ['(', ')', '[a', 'a{3,1}', '*', '\\', '[b-a]', 'x{5000}'])
    t.throws(() => new Pattern(source));
  const { user, system } = process.cpuUsage(begun);
  t.ok((user + system) / 1000 < 2000);
});

t.test('a query is computed in slices of 50 ms at most, and slow patterns end', async t => {
  const history = new History({ keepMs: 3_600_000, epochScans: 60, maxSeries: 10_000 });
  const fields = [{ labels: { metric: 'rss' }, kind: 'Integer' as const }];
  const slots = Array.from({ length: 1000 }, (_, pid) => {
    const group = history.open(
      { pid: String(pid), cgroup: `lithos.django:worker.${pid}.of.a.long.name` },
      fields,
    );
    return group?.first ?? 0;
  });
  for (let scan = 1; scan <= 600; scan++) {
    for (const slot of slots) if ((slot + scan) % 7 === 0) history.set(slot, slot * scan);
    history.commit(scan * 2000);
  }
  const data = { history, tips: new Tips(60_000) };
  /** Processor time, because a busy machine may take the processor away for any while. */
  const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  const longest = (work: Generator): number => {
    for (let slowest = 0, before = cpuMs(); ; before = cpuMs()) {
      const { done } = work.next();
      slowest = Math.max(slowest, cpuMs() - before);
      if (done) return slowest;
    }
  };
  const rules = { one: rule('rss', ['HistoryByTime', 3_600_000]), two: rule('rss', ['HistoryByNum', 1000]) };
  const summed = { one: rule('rss', ['HistoryByTime', 3_600_000], [['SumBy', 'cgroup', 'Ignore', true]]) };
  t.ok(longest(evaluateJson(parseQuery({ rules }), data)) < 50);
  t.ok(longest(evaluateJson(parseQuery({ rules: summed }), data)) < 50);
  t.ok(longest(evaluateCbor(parseQuery({ rules }), data)) < 50);

  const slow = (text: string): QueryRule => ({
    series: { source: 'Fine', condition: ['RegexLike', 'cgroup', text] },
    extract: ['Tip'],
    functions: [],
  });
  const many = Array.from({ length: 100 }, (_, index) => [`r${index}`, slow(`(.{0,44}){0,44}x${index}`)]);
  const work = evaluateJson(parseQuery({ rules: Object.fromEntries(many) }), data);
  let slices = 0;
  t.throws(() => {
    while (!work.next().done) slices++;
  }, /the patterns take too long/);
  t.ok(slices > 50, `others had ${slices} turns meanwhile`);
  const four = Object.fromEntries([...'abcdefgh'].map(name => [name, rules.one]));
  t.throws(() => finish(evaluateJson(parseQuery({ rules: four }), data)), /more than 4000000 points/);
});
