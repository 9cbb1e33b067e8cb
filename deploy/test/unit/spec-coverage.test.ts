// Rules of each tool's specification against titles of tests: a rule that no test names is a rule nobody has proven.
import { resolve } from 'node:path';
import t from 'tap';
import { readCitations, readRules } from '../../src/generate/spec-coverage.ts';

const ROOT = process.env.SUITE_ROOT ?? resolve(process.cwd(), '..');
/** A list that shrinks would make the check below easier without a word. */
const RULES_AT_LEAST = 270;

t.test('every rule of the specification has a test that names it', async t => {
  const rules = readRules(ROOT, 'lithos');
  const cited = new Set(readCitations(ROOT, 'lithos').map(({ id }) => id));
  t.same(
    rules.filter(({ id }) => !cited.has(id)).map(({ id }) => id),
    [],
  );
  t.ok(rules.length >= RULES_AT_LEAST, `${rules.length} rules`);
});
