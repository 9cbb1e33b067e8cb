// Rules of each tool's specification against titles of tests: a rule that no test names is a rule nobody has proven.
import { resolve } from 'node:path';
import t from 'tap';
import { readCitations, readRules, type Specified } from '../../src/generate/spec-coverage.ts';

const ROOT = process.env.SUITE_ROOT ?? resolve(process.cwd(), '..');
/** A list that shrinks would make the check below easier without a word. */
const RULES_AT_LEAST: Readonly<Record<Specified, number>> = { lithos: 270, vagga: 380 };

for (const [tool, atLeast] of Object.entries(RULES_AT_LEAST) as [Specified, number][]) {
  t.test(`every rule of the specification of ${tool} has a test that names it`, async t => {
    const rules = readRules(ROOT, tool);
    const cited = new Set(readCitations(ROOT, tool).map(({ id }) => id));
    t.same(
      rules.filter(({ id }) => !cited.has(id)).map(({ id }) => id),
      [],
    );
    t.ok(rules.length >= atLeast, `${rules.length} rules`);
  });
}
