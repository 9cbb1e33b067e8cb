// Our loop over the lexemes against the library's own, whose inner methods it calls: a new version of the library must show here.
import { parseYaml } from '@suite/shared/yaml/index.ts';
import { Tokens } from '@suite/shared/yaml/tokens.ts';
import fc from 'fast-check';
import t from 'tap';
import { Lexer, Parser } from 'yaml';

const PIECES = [
  'a',
  'key: ',
  'b: [1, "2", {c: d}]\n',
  '- ',
  '? ',
  ': ',
  '\n',
  '\r\n',
  '  ',
  '\t',
  '# word\n',
  ' # word',
  '!Tag ',
  '&x ',
  '*x',
  '{',
  '}',
  '[',
  ']',
  ',',
  '|\n  text\n\n',
  '>-\n text\n',
  "'it''s'",
  '"a\\n\n b"',
  '"unclosed',
  '---\n',
  '...\n',
  '%YAML 1.2\n',
  '% directive',
  '\ufeff',
  '\u0001',
  '\u{1f600}',
];

function tokens(text: string) {
  const ours = new Tokens();
  for (const lexeme of new Lexer().lex(text)) ours.take(lexeme);
  ours.end();
  return { found: ours.found, offset: ours.offset, height: ours.height };
}

t.test('the tokens of any text are those of the library', async () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3, unit: 'binary' })), {
      maxLength: 25,
    })
    .map(pieces => pieces.join(''));
  fc.assert(
    fc.property(text, source => {
      const { found, height } = tokens(source);
      return height === 0 && JSON.stringify(found) === JSON.stringify([...new Parser().parse(source)]);
    }),
    { numRuns: 5000, seed: 20_261_120 },
  );
});

t.test('the offset is where the text was read to', async t => {
  t.equal(tokens('a: [b, "c"]\nd: |\n  e\n').offset, 21);
});

t.test('LOG_TOKENS in the environment prints nothing', async t => {
  const before = process.env.LOG_TOKENS;
  t.teardown(() => {
    if (before === undefined) delete process.env.LOG_TOKENS;
    else process.env.LOG_TOKENS = before;
  });
  process.env.LOG_TOKENS = '1';
  const printed = t.capture(console, 'log');
  parseYaml('a: [b]', { file: 'f.yaml' });
  t.same(printed(), []);
});
