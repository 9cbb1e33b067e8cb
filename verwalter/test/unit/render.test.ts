import fc from 'fast-check';
import t from 'tap';
import { compileTemplates } from '../../src/adapters/render/handlebars.ts';
import { parseMode } from '../../src/core/render/commands.ts';
import { globProblem, parseGlob } from '../../src/core/render/glob.ts';
import { mergeVariables, rolesOf, roleVariables } from '../../src/core/render/merge.ts';
import { splitText } from '../../src/core/render/split.ts';

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

t.test('variables: the stronger source wins for every subset of the four', async t => {
  for (let mask = 1; mask < 16; mask++) {
    const sources = [0, 1, 2, 3].map(level =>
      mask & (1 << level) ? { a: 0, key: level, z: 1 } : { a: 0, z: 1 },
    );
    const strongest = 3 - Math.clz32(mask) + 28;
    t.equal(mergeVariables(sources).key, strongest, `levels ${mask.toString(2)}`);
  }
});

t.test('variables: row 27, keys before and after do not matter', async t => {
  const schedule = { vars: { a: 0, b: 2 }, roles: { R: { b: 1 } }, nodes: { h: { roles: { R: {} } } } };
  t.match(plain(roleVariables(schedule, 'h', 'R')), { a: 0, b: 1, role: 'R', node: 'h' });
});

t.test('variables: objects merge one level down', async t => {
  const merge = (...sources: unknown[]) => plain(mergeVariables(sources));
  t.same(merge({ o: { a: 1, b: 1 } }, { o: { b: 2, c: { x: 1 } } }, { o: { c: { y: 2 } } }), {
    o: { a: 1, b: 2, c: { y: 2 } },
  });
  t.same(merge({ o: { a: 1 } }, { o: 5 }), { o: 5 }, 'a stronger scalar hides an object');
  t.same(
    merge({ o: { a: 1 } }, { o: 5 }, { o: { b: 2 } }),
    { o: { a: 1, b: 2 } },
    'a scalar between objects is ignored',
  );
  t.same(merge({ o: { a: 1 } }, { o: null }), { o: null }, 'null is a scalar');
  t.same(merge({ o: [1] }, { o: [2] }), { o: [2] }, 'and so are lists');
  t.same(merge({ o: 1 }, 'nonsense', null, [1]), { o: 1 });
});

t.test('variables: role is overwritten, node kept, strange names are only names', async t => {
  const schedule = JSON.parse(
    '{"vars": {"role": "x", "node": "kept", "__proto__": {"polluted": 1}}, "nodes": {"h": {"roles": {"R": {"template": "t"}}}}}',
  );
  const variables = roleVariables(schedule, 'h', 'R');
  t.match(variables, { role: 'R', node: 'kept', template: 't' });
  t.equal((variables as { polluted?: number }).polluted, undefined);
  t.equal(({} as { polluted?: number }).polluted, undefined);
  t.same(rolesOf(schedule, 'h'), ['R']);
  t.same(rolesOf(schedule, 'constructor'), []);
  t.same(rolesOf({ nodes: { h: { roles: { b: {}, a: {} } } } }, 'h'), ['a', 'b']);
});

t.test('property: merging is associative for scalars and keeps every key', async t => {
  const source = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.oneof(fc.integer(), fc.constant(null)),
  );
  fc.assert(
    fc.property(source, source, source, (one, two, three) => {
      const whole = plain(mergeVariables([one, two, three]));
      const steps = plain(mergeVariables([plain(mergeVariables([one, two])), three]));
      return (
        JSON.stringify(whole) === JSON.stringify(steps) &&
        JSON.stringify(whole) === JSON.stringify(mergeVariables([{ ...one, ...two, ...three }]))
      );
    }),
  );
  t.pass();
});

t.test('globs: one captured part', async t => {
  const cases: [pattern: string, path: string, captured: string | undefined][] = [
    ['/etc/app/(*).conf', '/etc/app/web.conf', 'web'],
    ['/etc/app/(*.conf)', '/etc/app/web.conf', 'web.conf'],
    ['/etc/app/(*).conf', '/etc/app/sub/web.conf', undefined],
    ['/etc/app/(*).conf', '/etc/app/.web.conf', undefined],
    ['/etc/app/.(*).conf', '/etc/app/.web.conf', 'web'],
    ['/etc/(**/*.conf)', '/etc/a/b/web.conf', 'a/b/web.conf'],
    ['/etc/(**/*.conf)', '/etc/web.conf', 'web.conf'],
    ['/etc/(**)', '/etc/a/b', 'a/b'],
    ['/etc/(**)', '/etc/.git/b', undefined],
    ['/etc/a?(*)', '/etc/abc', 'c'],
    ['/etc/a.b/(*)', '/etc/aXb/c', undefined],
    ['/etc/(*).CONF', '/etc/x.conf', undefined],
  ];
  for (const [pattern, path, captured] of cases)
    t.equal(parseGlob(pattern).match(path), captured, `${pattern} ${path}`);
  t.equal(parseGlob('/etc/app/(*).conf').base, '/etc/app');
  t.equal(parseGlob('/(*).conf').base, '/');
  t.equal(parseGlob('/etc/app/(*).conf').fill('$&x'), '/etc/app/$&x.conf');
  for (const wrong of ['/etc/*.conf', '(a)/(b)', 'etc/(*)', '/etc/)*(', '/((*))'])
    t.ok(globProblem(wrong), wrong);
});

t.test('SplitText: sections, overwriting, and what is refused', async t => {
  const split = (text: string, validate = /^[a-z]+$/) => splitText(text, /^# (\S*)$/, validate);
  t.same(split('\n# one\na\nb\n# two\n\n# one\nc'), {
    sections: [
      { name: 'one', text: 'c' },
      { name: 'two', text: '\n' },
    ],
  });
  t.same(split(''), { sections: [] });
  t.match(split('x\n# one\n'), { error: 'line 1: text before the first section' });
  t.match(split('# One\n'), { error: /line 1: "One" is no valid/ });
  t.match(
    split('# ../up\n', /./),
    { error: /no valid section name/ },
    'a name cannot leave the directory, whatever validate says',
  );
  t.match(splitText('##\n', /^##()?$/, /.*/), { error: /no valid/ });
});

t.test('modes are octal', async t => {
  t.equal(parseMode('0o644'), 0o644);
  t.equal(parseMode('0644'), 0o644);
  t.equal(parseMode('0o4_755'), 0o4755);
  for (const wrong of ['644', '0x1ff', '0o888', 'rw', '', '0o77777'])
    t.equal(parseMode(wrong), undefined, wrong);
});

function rendered(sources: Record<string, string>, variables: unknown, path = 'a.hbs'): unknown {
  const compiled = compileTemplates(new Map(Object.entries(sources)), () => {});
  if ('problems' in compiled)
    return compiled.problems.map(
      ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
    );
  const result = compiled.templates.render(path, variables);
  return 'text' in result
    ? result.text
    : `${result.problem.file}:${result.problem.line}:${result.problem.column}: ${result.problem.message}`;
}

t.test('Handlebars: no escaping, partials, helpers', async t => {
  t.equal(rendered({ 'a.hbs': '{{x}} {{json o}}' }, { x: `<&"'>`, o: { a: 1 } }), `<&"'> {"a":1}`);
  t.equal(
    rendered({ 'a.hbs': '{{#each l}}{{> part/b.hbs}}{{/each}}', 'part/b.hbs': '[{{this}}]' }, { l: [1, 2] }),
    '[1][2]',
  );
  t.equal(rendered({ 'a.hbs': '{{#if (eq a 1)}}one{{/if}}{{#if (ne a 1)}}other{{/if}}' }, { a: 1 }), 'one');
  t.equal(
    rendered(
      { 'a.hbs': '{{#each o}}{{@key}}={{this}}{{#unless @last}},{{/unless}}{{/each}}' },
      { o: { b: 1, a: 2 } },
    ),
    'b=1,a=2',
  );
});

t.test('Handlebars: mistakes have a place', async t => {
  t.match(rendered({ 'a.hbs': 'x\n  {{nmae}}' }, { name: 1 }), 'a.hbs:2:5: there is no variable "nmae" here');
  t.match(rendered({ 'a.hbs': 'x\n{{#if y}}\n{{/unless}}' }, { y: 1 }), [
    /^a\.hbs:2:\d+: if doesn't match unless/,
  ]);
  t.match(rendered({ 'a.hbs': 'ok {{x}\n', 'b.hbs': '{{' }, {}), [
    /^a\.hbs:1:7: syntax error: this {{ is not closed/,
    /^b\.hbs:1:/,
  ]);
  for (const use of [
    '{{#each lost}}x{{/each}}',
    '{{#if lost}}x{{/if}}',
    '{{#unless lost}}x{{/unless}}',
    '{{#with lost}}x{{/with}}',
    '{{json lost}}',
    '{{#if (eq lost 1)}}x{{/if}}',
    '{{#each o.lost}}x{{/each}}',
    '{{> p.hbs lost}}',
    '{{> p.hbs x=lost}}',
    '{{lookup o lost}}',
  ]) {
    const said = rendered({ 'a.hbs': `\n${use}`, 'p.hbs': '' }, { o: { x: 1 } });
    t.match(said, /^a\.hbs:2:\d+: there is no variable "lost" here/, use);
  }
  const optional =
    '{{#if (lookup this "lost")}}x{{else}}none{{/if}} {{#each o}}{{@key}}{{@first}}{{/each}}{{#each l as |v|}}{{v}}{{@../l}}{{/each}}';
  t.equal(
    rendered({ 'a.hbs': optional.replace('{{@../l}}', '{{../o.x}}') }, { o: { x: 1 }, l: ['a'] }),
    'none xtruea1',
  );
  t.match(rendered({ 'a.hbs': '{{> nothing}}' }, {}), /The partial nothing could not be found/);
  t.match(
    rendered({ 'a.hbs': '\n\n{{> p/b.hbs}}', 'p/b.hbs': '{{> c.hbs}}', 'c.hbs': ' {{lost}}' }, {}),
    'c.hbs:1:4: there is no variable "lost" here',
    'the place is in the partial',
  );
  t.match(rendered({ 'a.hbs': '{{> b.hbs}}', 'b.hbs': '{{> a.hbs}}' }, {}), /include each other without end/);
});

t.test('Handlebars: names of JavaScript are not variables, and output has a limit', async t => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', '__defineGetter__']) {
    t.notMatch(rendered({ 'a.hbs': `{{${name}}}` }, {}), /native code|\[object/, name);
  }
  const big = { l: Array.from({ length: 20 }, () => 'x'.repeat(1024 * 1024)) };
  t.match(rendered({ 'a.hbs': '{{#each l}}{{this}}{{/each}}' }, big), /longer than 16777216 bytes/);
});
