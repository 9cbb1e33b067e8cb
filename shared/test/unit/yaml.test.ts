import { parseYaml, type YamlNode, type YamlOptions } from '@suite/shared/yaml/index.ts';
import fc from 'fast-check';
import t from 'tap';

/** The tree without positions, in a short form: texts as they are, `~`/`` for nulls, `!tag` first. */
function brief(node: YamlNode): unknown {
  const value = briefValue(node);
  return node.tag === undefined ? value : { [`!${node.tag}`]: value };
}

function briefValue(node: YamlNode): unknown {
  switch (node.kind) {
    case 'null':
      return node.explicit ? '<null>' : null;
    case 'scalar':
      return node.text;
    case 'sequence':
      return node.items.map(brief);
    case 'mapping':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key.text, brief(value)]));
  }
}

function parse(text: string, options: Partial<YamlOptions> = {}): unknown {
  const result = parseYaml(text, { file: 'f.yaml', ...options });
  return result.ok ? brief(result.value) : { errors: result.errors.map(where) };
}

function where(error: { code: string; file: string; line: number; column: number }): string {
  return `${error.code} ${error.file}:${error.line}:${error.column}`;
}

function files(all: Record<string, string>): Pick<YamlOptions, 'include'> {
  return {
    include: path => {
      const text = all[path];
      return text === undefined ? { error: 'no such file' } : { file: path, text };
    },
  };
}

t.test('scalars stay source text', async t => {
  const text = "a: 3.10\nb: 0o777\nc: yes\nd: 2018-01-01\ne: \"q\\n\"\nf: 'it''s'\ng: one\n  two\n";
  t.same(parse(text), {
    a: '3.10',
    b: '0o777',
    c: 'yes',
    d: '2018-01-01',
    e: 'q\n',
    f: "it's",
    g: 'one two',
  });
  t.same(parse('a: |\n\n  x\n   y\n\n\nb: |\n'), { a: '\nx\n y\n', b: '' });
});

t.test('null is nothing, ~ or a plain null', async t => {
  t.same(parse('a:\nb: ~\nc: null\nd: "null"\ne: NULL\nf: ""'), {
    a: null,
    b: '<null>',
    c: '<null>',
    d: 'null',
    e: 'NULL',
    f: '',
  });
  t.same(parse(''), null);
  t.same(parse('# only a comment\n'), null);
  t.same(parse('{a, b}'), { a: null, b: null });
  t.same(parse('~: 1\nnull: 2'), { '~': '1', null: '2' });
});

t.test('a tag before the first key of a block mapping is the mapping’s', async t => {
  t.same(parse('- !Env HOME: /root\n  A: b'), [{ '!Env': { HOME: '/root', A: 'b' } }]);
  t.same(parse('- !AptTrust keys: [A]'), [{ '!AptTrust': { keys: ['A'] } }]);
  t.same(parse('- !UbuntuUniverse\n- !Sh x'), [{ '!UbuntuUniverse': null }, { '!Sh': 'x' }]);
  t.same(parse('x: !Empty\ny: !Tmpfs\n  size: 1\nz: !T {a: b}'), {
    x: { '!Empty': null },
    y: { '!Tmpfs': { size: '1' } },
    z: { '!T': { a: 'b' } },
  });
  t.same(parse('- &x !Env A: 1\n- *x\n- !Env &y B: 2\n- *y'), [
    { '!Env': { A: '1' } },
    { '!Env': { A: '1' } },
    { '!Env': { B: '2' } },
    { '!Env': { B: '2' } },
  ]);
  t.same(parse('m: &m\n  &k a: 1\nl: [*m, *k]'), { m: { a: '1' }, l: [{ a: '1' }, 'a'] });
  t.same(parse('a: 1\n!T b: 2'), { errors: ['bad-tag f.yaml:2:1'] });
});

t.test('positions are those of the value and of the tag', async t => {
  const result = parseYaml('a: 1\nb:\n  - !Tag key: "x y" # c\n', { file: 'f.yaml' });
  if (!result.ok || result.value.kind !== 'mapping') return t.fail('a mapping is expected');
  const [, b] = result.value.entries;
  const item = b?.value.kind === 'sequence' ? b.value.items[0] : undefined;
  t.match(b?.key, { line: 2, column: 1, endColumn: 2 });
  t.match(item, { kind: 'mapping', line: 3, column: 10, tagAt: { line: 3, column: 5, endColumn: 9 } });
  t.match(item?.kind === 'mapping' && item.entries[0]?.value, {
    line: 3,
    column: 15,
    endColumn: 20,
    quoted: true,
  });
});

t.test('global and prefixed tags are refused', async t => {
  t.same(parse('a: !!str b\nc: !<zz> h'), { errors: ['bad-tag f.yaml:1:10', 'bad-tag f.yaml:2:6'] });
  t.same(parse('c: !a!b d'), { errors: ['bad-tag f.yaml:1:4'] });
  t.same(parse('c: !*Other d'), { errors: ['bad-tag f.yaml:1:4'] });
});

t.test('anchors and aliases', async t => {
  t.same(parse('_d: &a [1, 2]\nb: *a'), { _d: ['1', '2'], b: ['1', '2'] });
  t.same(parse('a: &x 1\nb: *x\nc: &x 2\nd: *x'), { a: '1', b: '1', c: '2', d: '2' });
  t.same(parse('b: *x\na: &x 1'), { errors: ['unknown-alias f.yaml:1:4'] });
  t.same(parse('&a [*a]'), { errors: ['unknown-alias f.yaml:1:5'] });
  t.same(parse('- &a {x: *a}\n- *b'), { errors: ['unknown-alias f.yaml:1:10', 'unknown-alias f.yaml:2:3'] });
  t.same(parse('a: !T *x'), { errors: ['syntax f.yaml:1:7'] });
});

t.test('merge: own keys, then earlier members; never deep', async t => {
  const base = '_a: &a {x: 1, y: {p: 1}}\n_b: &b {x: 2, z: 3, <<: *a}\n';
  const parsed = parse(`${base}c:\n  <<: [*b, *a]\n  y: 9`) as { c: unknown };
  t.same(parsed.c, { y: '9', x: '2', z: '3' });
  t.same(parse('<<: {a: 1}\na: 2'), { a: '2' });
  t.same(parse('"<<": {a: 1}'), { '<<': { a: '1' } });
  t.same(parse('<<: 5\nb: {<<: [{a: 1}, x]}'), { errors: ['merge f.yaml:2:18', 'merge f.yaml:1:5'] });
  t.same(parse('<<: *nope'), { errors: ['unknown-alias f.yaml:1:5'] }, 'one error for one mistake');
});

t.test('duplicate and complex keys', async t => {
  t.same(parse('a: 1\nb: {c: 1, c: 2}\na: 3'), {
    errors: ['duplicate-key f.yaml:2:11', 'duplicate-key f.yaml:3:1'],
  });
  t.same(parse('? [a]\n: b'), { errors: ['bad-key f.yaml:1:3'] });
  t.same(parse('<<: {a: 1}\n<<: {b: 1}'), { errors: ['duplicate-key f.yaml:2:1'] });
});

t.test('!*Unpack splices lists', async t => {
  t.same(parse('_x: &x [c]\nl:\n- !*Unpack [[a, b], *x, []]\n- d'), { _x: ['c'], l: ['a', 'b', 'c', 'd'] });
  t.same(parse('- !*Unpack [[a], b]'), { errors: ['unpack f.yaml:1:18'] });
  t.same(parse('- !*Unpack a'), { errors: ['unpack f.yaml:1:3'] });
  t.same(parse('x: !*Unpack [[a]]'), { errors: ['unpack f.yaml:1:4'] });
});

t.test('includes', async t => {
  const all = {
    'a.yaml': 'x: !*Include d/b.yaml',
    'd/b.yaml': '[1, 2]',
    'loop.yaml': '- !*Include loop.yaml',
    'bad.yaml': 'q: 1\nq: 2',
  };
  t.same(parse('i: !*Include a.yaml', files(all)), { i: { x: ['1', '2'] } });
  t.same(parse('<<: !*Include a.yaml', files(all)), { x: ['1', '2'] });
  t.same(parse('- !*Unpack [!*Include d/b.yaml, [3]]', files(all)), ['1', '2', '3']);
  t.same(parse('- !*Include loop.yaml', files(all)), { errors: ['include loop.yaml:1:13'] });
  t.same(parse('- !*Include bad.yaml\n- !*Include none', files(all)), {
    errors: ['duplicate-key bad.yaml:2:1', 'include f.yaml:2:13'],
  });
  for (const path of ['../a.yaml', '/a.yaml', './a.yaml', 'd//b.yaml', '""']) {
    t.match(parse(`- !*Include ${path}`, files(all)), { errors: [/^include /] }, path);
  }
  t.match(parse('- !*Include a.yaml'), { errors: ['include f.yaml:1:13'] }, 'not allowed without a reader');
  t.match(parse('- !*IncludeSeq a.yaml', files(all)), { errors: ['include f.yaml:1:3'] });
  t.match(parse('- !*Include [a]', files(all)), { errors: ['include f.yaml:1:3'] });
  const many = Array.from({ length: 5 }, () => '- !*Include d/b.yaml\n').join('');
  t.match(parse(many, { ...files(all), limits: { includes: 4 } }), { errors: ['include f.yaml:5:13'] });
});

t.test('a file that is no YAML gives one error inside the file', async t => {
  t.same(parse('a: [1,2'), { errors: ['syntax f.yaml:1:8'] });
  t.same(parse('a: 1\n\tb: 2'), { errors: ['syntax f.yaml:2:1'] });
  t.same(parse('a: 1\n---\nb: 2'), { errors: ['syntax f.yaml:2:1'] });
  t.same(parse('a: @x\nb: @y'), { errors: ['syntax f.yaml:1:4'] });
});

t.test('limits', async t => {
  const limited = (text: string, limits = {}) => {
    const result = parseYaml(text, { file: 'f.yaml', limits });
    return result.ok ? 'ok' : result.errors.map(error => `${error.code} ${error.params?.limit}`).join();
  };
  t.equal(limited('a: éé', { bytes: 6 }), 'limit bytes');
  t.equal(limited('a: éé', { bytes: 7 }), 'ok');
  t.equal(limited('['.repeat(64) + ']'.repeat(64)), 'ok');
  t.equal(limited('['.repeat(100_000)), 'limit depth');
  t.equal(limited('- '.repeat(1000)), 'limit depth');
  t.equal(limited('a: 1\n'.repeat(60_000)), 'limit nodes');
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level++) {
    bomb.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  t.equal(limited(bomb.join('\n')), 'limit nodes');
  const tower = ['a0: &a0 [x]'];
  for (let level = 1; level < 80; level++) tower.push(`a${level}: &a${level} [*a${level - 1}]`);
  t.equal(limited(tower.join('\n')), 'limit depth');
  const chain: Record<string, string> = {};
  for (let level = 0; level < 80; level++) chain[`f${level}`] = `[!*Include f${level + 1}]`;
  t.match(parse('[!*Include f0]', files(chain)), { errors: [/^limit /] }, 'includes count as depth');
});

const SEEDS = [
  'containers:\n  a:\n    setup:\n    - !Ubuntu trusty\n    - !Env {HOME: /root}\n    - !Sh |\n      make\n    environ: &e\n      A: "x\\ty"\ncommands:\n  run: !Command\n    container: a\n    run: [sh, -c, *e]\n',
  '_d: &d !T\n  k: [1, {a, b: ~}]\nx:\n  <<: [*d, {q: 1}]\n- !*Unpack [[a],*d]\n- !*Include f.yaml\n',
  '# c\n"q": \'s\'\n? k\n: - - a\n  - >-\n    fold\n    ed\n%TAG\n---\n...\n',
  '\u{feff}é: 🦀\r\nb: |2\r\n   x\r\n',
];
const PIECES = [
  '*a',
  '&a ',
  '!T ',
  '!*Include f.yaml',
  '!*Unpack ',
  '<<: ',
  '- ',
  ': ',
  '\n',
  '\n  ',
  '\t',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '|',
  '>',
  '%',
  '---',
  '...',
  '?',
  '#',
  '!',
  '!!x ',
  '\\',
  '\r',
  '\0',
  '\u2028',
  '\ud800',
  '~',
];

t.test('mutated documents: never a throw, every position in its file', async t => {
  const edit = fc.tuple(
    fc.nat(1000),
    fc.nat(6),
    fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3, unit: 'binary' })),
  );
  const document = fc
    .tuple(fc.constantFrom(...SEEDS), fc.array(edit, { maxLength: 8 }))
    .map(([seed, edits]) =>
      edits.reduce((text, [at, removed, added]) => {
        const start = at % (text.length + 1);
        return text.slice(0, start) + added + text.slice(start + removed);
      }, seed),
    );
  const included = '- &a 1\n- !*Include g.yaml\n- {x: 1, x: 2}';
  let refused = 0;
  fc.assert(
    fc.property(document, text => {
      const sources: Record<string, string> = { 'm.yaml': text, 'f.yaml': included };
      const result = parseYaml(text, { file: 'm.yaml', ...files({ 'f.yaml': included }) });
      if (!result.ok) refused++;
      const positions = result.ok ? allNodes(result.value) : result.errors;
      return positions.every(at => isInside(sources[at.file] ?? '', at));
    }),
    { numRuns: 5000, seed: 20_240_611 },
  );
  t.ok(refused > 1000 && refused < 5000, `${refused} of 5000 were refused`);
});

function allNodes(node: YamlNode): YamlNode[] {
  if (node.kind === 'sequence') return [node, ...node.items.flatMap(allNodes)];
  if (node.kind === 'mapping')
    return [node, ...node.entries.flatMap(({ key, value }) => [key, ...allNodes(value)])];
  return [node];
}

function isInside(text: string, at: { line: number; column: number; endColumn?: number }): boolean {
  const line = text.split('\n')[at.line - 1];
  if (line === undefined) return false;
  const last = line.length + 1;
  // The end of a value that runs to the end of its line may count the line break.
  return (
    at.column >= 1 &&
    at.column <= last &&
    (at.endColumn ?? at.column) >= at.column &&
    (at.endColumn ?? 1) <= last
  );
}
