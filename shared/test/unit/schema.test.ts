import {
  decode,
  type Infer,
  nearest,
  parseInteger,
  printDiagnostics,
  type Schema,
  s,
} from '@suite/shared/schema/index.ts';
import { toJsonSchema } from '@suite/shared/schema/json-schema.ts';
import { strayTags } from '@suite/shared/schema/stray-tags.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import fc from 'fast-check';
import t from 'tap';

/** The value, or `code line:column hint` of each error. */
function read(schema: Schema<unknown>, text: string): unknown {
  const parsed = parseYaml(text, { file: 'f.yaml' });
  if (!parsed.ok) throw new Error(`not YAML: ${text}`);
  const result = decode(schema, parsed.value);
  if (result.ok) return result.value;
  return result.errors.map(
    ({ code, line, column, hint }) => `${code} ${line}:${column}${hint ? ` ${hint}` : ''}`,
  );
}

t.test('integers', async t => {
  const good: [string, number][] = [
    ['0', 0],
    ['0644', 644],
    ['0x1F', 31],
    ['0o1777', 0o1777],
    ['0b101', 5],
    ['1_000', 1000],
    ['+5 k', 5000],
    ['-2ki', -2048],
    ['100Mi', 104_857_600],
    ['3G', 3e9],
    ['"7"', 7],
  ];
  for (const [text, value] of good) t.equal(read(s.int(), text), value, text);
  for (const text of ['1.5', '100m', '0x', '0o8', '_1', '1K', 'x', '""', '1 2']) {
    t.match(read(s.int(), text), [/^number 1:1/], text);
  }
  t.equal(parseInteger('9_'), 9);
  t.match(read(s.int(), '9007199254740993'), [/^range/], 'a number that would be rounded');
  t.match(read(s.int({ plain: true }), '1k'), [/^number 1:1 decimal/]);
  t.equal(read(s.int({ min: 1, max: 16 }), '16'), 16);
  t.match(read(s.int({ min: 1, max: 16 }), '17'), ['range 1:1']);
  t.match(read(s.int({ min: 1 }), '0'), ['range 1:1']);
});

t.test('other scalars', async t => {
  t.equal(read(s.bool(), 'true'), true);
  t.equal(read(s.bool(), '"false"'), false);
  t.same(read(s.bool(), 'yes'), ['bool 1:1 write true']);
  t.same(read(s.bool(), 'False'), ['bool 1:1 write false']);
  t.equal(read(s.number(), '-1.5e3'), -1500);
  t.match(read(s.number(), '0x10'), [/^number/]);
  t.match(read(s.number({ min: 0 }), '-0.5'), ['range 1:1']);
  t.equal(read(s.text(), '3.10'), '3.10');
  t.same(read(s.text({ pattern: /^\w+$/, max: 3, hint: 'letters' }), 'ab-c'), [
    'text 1:1 letters',
    'text 1:1 letters',
  ]);
  t.same(read(s.text(), '~'), ['wrong-type 1:1']);
  t.equal(read(s.choice(['stop-on-failure', 'wait']), 'stop_on_failure'), 'stop-on-failure');
  t.same(read(s.choice(['stop-on-failure', 'wait']), 'wiat'), ['choice 1:1 did you mean wait?']);
  t.equal(read(s.path('absolute'), '/a/../b'), '/a/../b');
  t.equal(read(s.path('relative'), 'a..b/c'), 'a..b/c');
  for (const [where, text] of [
    ['absolute', 'a'],
    ['relative', '/a'],
    ['relative', 'a/../b'],
    ['any', '""'],
  ] as const) {
    t.same(read(s.path(where), text), ['path 1:1'], `${where} ${text}`);
  }
});

t.test('structures', async t => {
  const schema = s.struct(
    {
      'work-dir': s.required(s.path('any')),
      'restart-timeout': s.withDefault(s.number(), 1),
      'log-level': s.optional(s.text()),
      tags: s.optional(s.list(s.text())),
      syslog: s.withDefault(s.nullable(s.text()), 'on'),
    },
    { shorthand: 'work-dir' },
  );
  // The line below is the test of the types: it compiles only when names are camel case and presence is right.
  const typed: Infer<typeof schema> = { workDir: '/', restartTimeout: 1, syslog: null };
  t.same(read(schema, 'work_dir: /\nsyslog: ~'), typed);
  t.same(read(schema, '/x'), { workDir: '/x', restartTimeout: 1, syslog: 'on' }, 'shorthand');
  t.same(read(schema, 'work-dir: a\nwork_dir: b\n_note: {x: !Y z}'), {
    workDir: 'b',
    restartTimeout: 1,
    syslog: 'on',
  });
  t.same(read(schema, 'work-dir: a\nlog-level:\ntags:\n'), {
    workDir: 'a',
    restartTimeout: 1,
    tags: [],
    syslog: 'on',
  });
  t.same(read(schema, ''), ['missing-field 1:1']);
  t.same(read(schema, '~'), ['wrong-type 1:1']);
  t.same(read(schema, 'work-dir: a\nrestart-timeout: ~\ntags: null'), ['wrong-type 2:18', 'wrong-type 3:7']);
  t.same(read(schema, 'workdir: a\nlog_levl: x\nzzz: 1'), [
    'missing-field 1:1',
    'unknown-key 1:1 did you mean work-dir?',
    'unknown-key 2:1 did you mean log-level?',
    'unknown-key 3:1',
  ]);
  const parsed = parseYaml('- {a: 1}', { file: 'f.yaml' });
  const error = parsed.ok ? decode(s.list(schema), parsed.value) : parsed;
  t.match(error, {
    errors: [
      { code: 'missing-field', path: [0], params: { field: 'work-dir' } },
      { code: 'unknown-key', path: [0, 'a'] },
    ],
  });
});

t.test('lists and maps', async t => {
  t.same(read(s.list(s.int()), '[1, 2k]'), [1, 2000]);
  t.same(read(s.list(s.int()), ''), []);
  t.same(read(s.list(s.int()), '[a, 1, b]'), [
    'number 1:2 e.g. 512, 64k, 100Mi, 0o1777',
    'number 1:8 e.g. 512, 64k, 100Mi, 0o1777',
  ]);
  t.same(read(s.list(s.int(), { min: 2 }), '[1]'), ['length 1:1']);
  t.same(read(s.list(s.int(), { max: 1 }), '[1, 2]'), ['length 1:1']);
  t.same(read(s.map(s.int()), 'a_b: 1\n_c: 2'), { a_b: 1, _c: 2 }, 'keys are data');
  t.same(read(s.map(s.int(), { keyPattern: /^[a-z]+$/, keyHint: 'letters' }), 'A: x'), [
    'key 1:1 letters',
    'number 1:4 e.g. 512, 64k, 100Mi, 0o1777',
  ]);
  const value = read(s.map(s.text()), '__proto__: x\ntoString: y') as Record<string, unknown>;
  t.same(Object.keys(value), ['__proto__', 'toString']);
  t.equal(Object.getPrototypeOf(value), Object.prototype, 'a key cannot change the object');
});

t.test('tags choose', async t => {
  const schema = s.tagged({
    Tmpfs: s.struct({ size: s.withDefault(s.int(), 5) }),
    Empty: s.nothing(),
    Bind: s.path('absolute'),
  });
  t.same(read(schema, '!Tmpfs'), { tag: 'Tmpfs', value: { size: 5 } });
  t.same(read(schema, '!Tmpfs size: 6'), { tag: 'Tmpfs', value: { size: 6 } });
  t.same(read(schema, '!Empty'), { tag: 'Empty', value: null });
  t.same(read(schema, 'x'), ['tag-expected 1:1']);
  t.same(read(schema, 'tmpfs: {}'), ['tag-expected 1:1 did you mean !Tmpfs?'], 'written as a key');
  t.same(read(s.list(schema), '- !Tmpf\n- !toString x\n- !Bind x\n- !Empty x'), [
    'unknown-tag 1:3 did you mean !Tmpfs?',
    'unknown-tag 2:3 known tags: !Tmpfs, !Empty, !Bind',
    'path 3:9',
    'wrong-type 4:10',
  ]);
  t.same(read(s.tagged({ A: s.text(), B: s.int() }, { untagged: 'A' }), 'x'), { tag: 'A', value: 'x' });
  t.equal(read(s.int(), '!Whatever 5'), 5, 'a tag is ignored where nothing chooses by it');
});

t.test('combinations', async t => {
  const run = s.either(s.text(), s.list(s.text()));
  t.equal(read(run, 'make'), 'make');
  t.same(read(run, '[make, all]'), ['make', 'all']);
  t.same(read(run, '[make, [x]]'), ['wrong-type 1:8'], 'the alternative of the right kind speaks');
  const perhaps = s.nullable(s.tagged({ A: s.struct({}) }));
  t.same(read(perhaps, '!A'), { tag: 'A', value: {} }, 'a bare tag is a value');
  t.equal(read(perhaps, '~'), null);
  t.same(read(perhaps, '!B'), ['unknown-tag 1:1 known tags: !A']);
  t.same(read(s.any(), 'a: [1, -2.5, true, "1", ~, 0x10, 1e999]\nb:'), {
    a: [1, -2.5, true, '1', null, '0x10', '1e999'],
    b: null,
  });
  t.same(
    read(
      s.check(s.list(s.text()), value => (value.length % 2 ? 'must be even' : undefined)),
      '[a]',
    ),
    ['check 1:1'],
  );
  t.same(read(s.struct({ a: s.required(s.located(s.int())) }), '\na: 5'), {
    a: { value: 5, node: { file: 'f.yaml', line: 2, column: 4, endColumn: 5 } },
  });
});

t.test('an invalid tree of any kind gives diagnostics, never an exception', async t => {
  const leaf = s.tagged({ A: s.int(), B: s.nullable(s.path('relative')), C: s.any() });
  const schema = s.struct({
    a: s.required(s.map(leaf)),
    b: s.optional(
      s.either(s.list(s.bool()), s.struct({ c: s.required(s.choice(['x', 'y'])) }, { shorthand: 'c' })),
    ),
    __proto__x: s.optional(s.text()),
  });
  const word = fc.constantFrom(
    'a',
    'b',
    'c',
    '!A 1',
    '!B ..',
    '!C {}',
    '~',
    '[]',
    '{a: {k: !A x}}',
    '{b: {d: 1}}',
    '[x, true]',
    '__proto__',
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', '_c', 'constructor', '__proto__'), word), { maxLength: 4 }),
      pairs => {
        const text = pairs.map(([key, value]) => `${key}: ${value}\n`).join('');
        const parsed = parseYaml(text, { file: 'f.yaml' });
        const result = parsed.ok ? decode(schema, parsed.value) : parsed;
        return result.ok || result.errors.length > 0;
      },
    ),
    { numRuns: 2000, seed: 7 },
  );
  const parsed = parseYaml('[x, x, x, x]', { file: 'f' });
  const few = parsed.ok ? decode(s.list(s.int()), parsed.value, { maxErrors: 2 }) : parsed;
  t.equal(few.ok ? 0 : few.errors.length, 2);
});

t.test('printed diagnostics', async t => {
  const text = 'a: 1\n\tb:\tyess\r\n';
  const errors = [
    {
      code: 'bool',
      severity: 'error',
      message: 'bad',
      file: 'f.yaml',
      line: 2,
      column: 5,
      endColumn: 9,
      hint: 'write true',
    },
    { code: 'old', severity: 'warning', message: 'old', file: 'other', line: 1, column: 1 },
  ] as const;
  t.equal(
    printDiagnostics(errors, new Map([['f.yaml', text]]), { colour: false }),
    'f.yaml:2:5: error: bad\n    \tb:\tyess\n    \t  \t~~~~\n  hint: write true\nother:1:1: warning: old\n',
  );
  const coloured = printDiagnostics(errors.slice(0, 1), new Map(), { colour: true });
  t.match(coloured, 'f.yaml:2:5: \x1b[31merror\x1b[0m: bad');
  const long = printDiagnostics(
    [{ ...errors[0], line: 1, column: 5000 }],
    new Map([['f.yaml', 'x'.repeat(9999)]]),
    { colour: false },
  );
  t.ok(long.length < 300, 'a long line is cut');
});

t.test('nearest word', async t => {
  const words = ['container', 'containers', 'run', 'work-dir', 'environ'];
  t.equal(nearest('contaner', words), 'container');
  t.equal(nearest('WORK_DIR', words), 'work-dir');
  t.equal(nearest('env', words), 'environ');
  t.equal(nearest('rnu', words), 'run');
  t.equal(nearest('xyz', words), undefined);
  t.equal(nearest('', words), undefined);
  t.equal(nearest('x'.repeat(10_000), words), undefined);
});

t.test('JSON Schema', async t => {
  const schema = s.struct(
    {
      run: s.required(s.describe(s.text({ pattern: /^x/, max: 9 }), 'what to run')),
      'work-dir': s.required(s.path('absolute')),
      size: s.withDefault(s.int({ min: 1 }), 5),
      vols: s.withDefault(
        s.map(s.tagged({ Tmpfs: s.nothing(), Bind: s.list(s.bool(), { min: 1 }) }), { keyPattern: /^\// }),
        {},
      ),
      mode: s.optional(s.choice(['a-b', 'c'])),
      more: s.optional(s.either(s.any(), s.nullable(s.located(s.number())))),
    },
    { shorthand: 'run' },
  );
  const text = {
    type: ['string', 'number', 'boolean'],
    pattern: '^x',
    maxLength: 9,
    description: 'what to run',
  };
  const volumes = [
    { title: '!Tmpfs', type: 'null' },
    { title: '!Bind', type: ['array', 'null'], items: { enum: [true, false, 'true', 'false'] }, minItems: 1 },
  ];
  t.same(toJsonSchema(schema, { title: 'T', id: 'urn:t' }), {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:t',
    title: 'T',
    anyOf: [
      {
        type: ['object', 'null'],
        properties: {
          run: text,
          'work-dir': { type: 'string', pattern: '^/' },
          size: {
            anyOf: [
              { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
              { type: 'string', pattern: '^[+-]?[0-9]' },
            ],
            default: 5,
          },
          vols: {
            type: ['object', 'null'],
            additionalProperties: { anyOf: volumes },
            propertyNames: { pattern: '^\\/' },
          },
          mode: { enum: ['a-b', 'a_b', 'c'] },
          more: { anyOf: [{}, { anyOf: [{ type: 'number' }, { type: 'null' }] }] },
        },
        patternProperties: { _: {} },
        additionalProperties: false,
        required: ['run'],
      },
      text,
    ],
  });
});

t.test('tags where none is read are found, and only those', async t => {
  const schema = s.struct({
    name: s.optional(s.text()),
    items: s.optional(s.list(s.tagged({ One: s.text(), Two: s.nothing() }))),
    'free-form': s.optional(s.any()),
    table: s.optional(s.map(s.nullable(s.int()))),
  });
  const stray = (text: string) => {
    const tree = parseYaml(text, { file: 'x.yaml' });
    if (!tree.ok) throw new Error(tree.errors[0]?.message);
    return strayTags(schema, tree.value).map(
      ({ line, column, params }) => `${line}:${column} ${params?.tag}`,
    );
  };
  t.same(stray('items: [!One a, !Two ]\nfree_form: {x: !Any 1}\n_own: !Thing 1\n'), []);
  t.same(stray('name: !Text a\ntable: {a: 1, b: !Int 2}\nitems: !List [!One a]\n'), [
    '1:7 Text',
    '2:18 Int',
    '3:8 List',
  ]);
});
