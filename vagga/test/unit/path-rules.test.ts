// Which files of a tree `!Copy`, `!Depends` and `!Build` mean.
import t from 'tap';
import { pathRegex } from '../../src/core/image/path-regex.ts';
import { compileRules, DEFAULT_RULES } from '../../src/core/image/rules.ts';
import { filterProblem, selectTree } from '../../src/core/image/tree.ts';
import { setupWarnings } from '../../src/core/plan/warnings.ts';
import { MemoryTree, project } from './helpers.ts';
import { naiveVerdict } from './path-rules-naive.ts';

const FILES = ['test.py', 'test.rs', 'dir/test.py', 'dir/test.rs', 'dir/subdir/test.ini'];
const treeOf = (names: readonly string[]) =>
  new MemoryTree(Object.fromEntries(names.map(name => [`/work/${name}`, 'x'])));
const TREE = treeOf(FILES);

/** As a disk: a slash at the end of a directory's name changes nothing. */
class SlashTree extends MemoryTree {
  override lstat(path: string) {
    return super.lstat(path.replace(/\/$/, ''));
  }

  override list(path: string) {
    return super.list(path.replace(/\/$/, ''));
  }
}

/** Entries that the rules include themselves. */
function included(rules: string[]): string[] {
  const decide = compileRules([...DEFAULT_RULES, ...rules]);
  const all = ['dir', 'dir/subdir', ...FILES];
  const parents = (path: string) =>
    path
      .split('/')
      .slice(0, -1)
      .map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  return all.filter(
    path =>
      parents(path).every(parent => decide(parent, true) !== 'excluded') &&
      decide(path, !path.includes('.')) === 'included',
  );
}

t.test('§2.3 rule-filters: the vectors of the format', async t => {
  t.same(included(['/']), FILES);
  t.same(included(['/*.rs']), ['test.rs']);
  t.same(included(['/dir']), FILES.slice(2));
  t.same(included(['/dir/']), ['dir', ...FILES.slice(2)]);
  t.same(included(['/**/*.rs']), ['test.rs', 'dir/test.rs']);
  t.same(included(['!*.rs', '/dir']), ['dir/test.py', 'dir/subdir/test.ini']);
  t.same(included(['!*.rs', '!subdir', '/dir']), ['dir/test.py']);
});

t.test('§2.3 rule-filters, §2.3 regex-filters: what cannot be used', async t => {
  t.match(filterProblem({ rules: ['dir'] }), /Relative paths are allowed only for excluding rules/);
  t.match(filterProblem({ rules: ['\\!dir'] }), /Relative paths are allowed only for excluding rules/);
  t.match(filterProblem({ rules: ['/a'], includeRegex: 'x' }), /either rules or regular expressions/);
  t.match(
    filterProblem({ rules: [], noDefaultRules: false, ignoreRegex: 'x' }),
    /either rules or regular expressions/,
  );
  t.match(filterProblem({ rules: [], ignoreRegex: '(' }), /regular expression/i);
  t.match(filterProblem({ rules: ['/[z-a]'] }), /"\/\[z-a\]" is not a pattern: /);
  t.equal(filterProblem({ rules: ['!a', '/b'], noDefaultRules: true }), undefined);
});

const selectedFrom = (names: readonly string[], filter: Parameters<typeof selectTree>[2]) =>
  selectTree(treeOf(names), '/work', filter)?.map(({ relative }) => relative);

t.test(
  '§2.3 rule-filters, §2.3 regex-filters: entries stand in component order with their parents',
  async t => {
    t.same(
      selectedFrom(['a.b', 'a/x', '.git/y', 'b~', '\u{1F600}', '\uFFFD'], { rules: [] }),
      ['', 'a', 'a/x', 'a.b', '\uFFFD', '\u{1F600}'],
      'version control and backups are left out; bytes decide, not UTF-16',
    );
    t.same(
      selectTree(TREE, '/work', { rules: ['/dir/subdir/test.ini'] })?.map(({ relative }) => relative),
      ['', 'dir', 'dir/subdir', 'dir/subdir/test.ini'],
    );
    t.same(selectedFrom(['.git/a', 'a.bak', 'b'], { rules: ['/'] }), ['', 'b'], 'default rules');
    t.same(selectedFrom(['.git/a', 'a.bak', 'b'], { rules: ['/'], noDefaultRules: true }), [
      '',
      '.git',
      '.git/a',
      'a.bak',
      'b',
    ]);
    t.same(
      selectedFrom(['.git/a', 'b'], { rules: [], noDefaultRules: true }),
      ['', 'b'],
      'without rules that key has no other effect',
    );
    t.equal(selectTree(TREE, '/work/none', { rules: [] }), undefined);
    t.same(
      selectTree(new SlashTree({ '/work/d/a': '' }), '/work/d/', { rules: [] })?.map(({ path }) => path),
      ['/work/d/', '/work/d/a'],
    );
  },
);

t.test(
  '§2.3 regex-filters: ignored directories are not entered, others are walked for what they hold',
  async t => {
    const names = ['keep/a.py', 'keep/b.c', 'skip/a.py', 'a.py', '#a#'];
    t.same(selectedFrom(names, { rules: [], ignoreRegex: '^skip$' }), [
      '',
      '#a#',
      'a.py',
      'keep',
      'keep/a.py',
      'keep/b.c',
    ]);
    t.same(selectedFrom(names, { rules: [], includeRegex: '\\.py$' }), [
      '',
      'a.py',
      'keep',
      'keep/a.py',
      'skip',
      'skip/a.py',
    ]);
    t.same(selectedFrom(names, { rules: [], includeRegex: '^keep', ignoreRegex: '\\.c$' }), [
      '',
      'keep',
      'keep/a.py',
    ]);
  },
);

t.test('§2.3 regex-filters: expressions as upstream reads them', async t => {
  const rows: [source: string, matching: string[], not: string[]][] = [
    ['\\-a\\_b\\#', ['-a_b#'], ['a']],
    ['(?i)readme', ['README'], []],
    ['\\Aa\\z', ['a'], ['ba', 'ab']],
    ['^[[:alpha:]_]+[[:^digit:]]$', ['ab_c'], ['ab1', '1a']],
    ['^\\w+$', ['été_1'], ['a-b']],
    ['^[\\w.-]+$', ['été-1.x'], ['a b']],
    ['^[^\\W]$', ['é'], ['-']],
    ['^[]a-c-]+$', [']ab-'], ['d']],
    ['^[a&&b]$', [], ['a', '&']],
    ['^.$', ['\r', '\u2028', '\u{1F600}'], ['\n']],
    ['^a{2,3}}]$', ['aaa}]'], ['aaaa}]', 'a}]']],
    ['(?P<year>\\d{4})', ['2026'], ['202']],
    ['^\\pL\\p{Greek}\\x41\\x{3b1}$', ['zαAα'], ['zzAα']],
    ['(^|/)[(){}|/]$', ['a/|', '('], ['a']],
  ];
  for (const [source, matching, not] of rows) {
    const regex = pathRegex(source);
    for (const text of matching) t.ok(regex.test(text), `${source} matches ${encodeURI(text)}`);
    for (const text of not) t.notOk(regex.test(text), `${source} does not match ${encodeURI(text)}`);
  }
  t.throws(() => pathRegex('[a'), /unclosed/);
});

t.test('§2.3 rule-filters, §2.3 !EnsureDir: what is hardly meant is said', async t => {
  const { c } = project(`containers:
  c:
    volumes: {/data: !Tmpfs, /srv/: !Tmpfs}
    setup:
    - !Copy {source: /work, path: /x, rules: ['!a']}
    - !Copy {source: /work, path: /y, rules: ['!a', /b]}
    - !EnsureDir /data
    - !EnsureDir /srv
    - !EnsureDir /data/sub
    - !EnsureDir /database
`).containers;
  if (c === undefined) return t.fail('config');
  const [first, ...rest] = setupWarnings(c);
  t.match(first, /You didn't add any include rules/);
  t.same(rest, ['"/data/sub" directory is in the volume: "/data"']);
});

/** mulberry32: the same numbers for the same seed, everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const NAMES = [
  'a',
  'b',
  'ab',
  'a.c',
  '.git',
  'x~',
  '#b#',
  '.#a',
  '[a]',
  'é',
  '\u{1F600}',
  '{a,b}',
  'a\\b',
  '!a',
];
const GLOBS = [
  'a',
  'b',
  '*',
  '?',
  '**',
  '*.c',
  '[ab]',
  '[!a]*',
  '[a-c]?',
  '{a,b}',
  '{a*,?b,}',
  '\\*',
  '\\[a]',
  'x*',
  '*\u{1F600}',
  '**a',
  '{a,{b,ab}}',
  '[',
  '\\{a,b}',
  '.git',
];
const COMPARISONS = 100_000;

t.test('§2.3 rule-filters: 100,000 random comparisons with a slow second implementation', async t => {
  const seed = Number(process.env.SUITE_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: 1 + random(most) }, make);
  const rule = () => {
    const body = some(3, () => pick(GLOBS)).join('/');
    const end = random(3) === 0 ? '/' : '';
    const kind = random(10);
    if (kind === 0) return pick(['/', '!/', ...DEFAULT_RULES]);
    if (kind < 5) return `/${body}${end}`;
    return `!${random(2) === 0 ? '/' : ''}${body}${end}`;
  };
  const differences: string[] = [];
  const seen = new Map<string, number>();
  let compared = 0;
  while (compared < COMPARISONS && differences.length < 5) {
    const rules = some(4, rule);
    const decide = compileRules(rules);
    for (const path of some(20, () => some(4, () => pick(NAMES)).join('/'))) {
      const isDirectory = random(2) === 0;
      const [one, other] = [decide(path, isDirectory), naiveVerdict(rules, path, isDirectory)];
      seen.set(one, (seen.get(one) ?? 0) + 1);
      if (one !== other)
        differences.push(`${JSON.stringify(rules)} ${path} ${isDirectory}: ${one}, not ${other}`);
      compared++;
    }
  }
  t.same(differences, [], `SUITE_SEED=${seed}`);
  t.ok(compared >= COMPARISONS);
  for (const verdict of ['excluded', 'walk', 'included'])
    t.ok((seen.get(verdict) ?? 0) > COMPARISONS / 50, `${verdict}: ${seen.get(verdict)}`);
});
