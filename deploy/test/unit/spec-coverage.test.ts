// Rules of lithos' specification against titles of tests: a rule that no test names is a rule nobody has proven.
import { resolve } from 'node:path';
import t from 'tap';
import { readCitations, readRules } from '../../src/generate/spec-coverage.ts';

const ROOT = process.env.SUITE_ROOT ?? resolve(process.cwd(), '..');
const rules = readRules(ROOT);
const citations = readCitations(ROOT);

/** Every rule of these has its test; a section joins when its last rule has one. */
const COMPLETE = ['2.0'];

t.test('every rule of the complete sections has a test that names it', async t => {
  const cited = new Set(citations.map(({ id }) => id));
  const missing = rules.filter(({ section, id }) => COMPLETE.includes(section) && !cited.has(id));
  t.same(
    missing.map(({ id }) => id),
    [],
  );
  t.ok(rules.length > COMPLETE.length, 'there are rules');
});
