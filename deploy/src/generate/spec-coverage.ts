// Which rule of the specification which test proves: read from the titles of the tests, so that nobody has to keep a list.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, s } from '@suite/shared/schema/index.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';

/** A tool whose specification is kept as a list of rules in `TOOL/test/spec-rules.yaml`. */
export type Specified = 'lithos' | 'vagga';

const rulesOf = (tool: Specified) => `${tool}/test/spec-rules.yaml`;
/** What both lithos and vagga use is proven in shared. */
const testsOf = (tool: Specified) => [`${tool}/test`, 'shared/test'];

const rulesSchema = s.map(s.map(s.text()));

export interface SpecRule {
  /** `§2.3 ip-addresses`, `§2.3 !Tar`, `§4.9 exit 124` */
  readonly id: string;
  readonly section: string;
  readonly text: string;
}

export interface Citation {
  readonly id: string;
  /** Path below the checkout. */
  readonly file: string;
  readonly title: string;
}

export function readRules(root: string, tool: Specified): SpecRule[] {
  const file = rulesOf(tool);
  const parsed = parseYaml(readFileSync(join(root, file), 'utf8'), { file });
  const decoded = parsed.ok ? decode(rulesSchema, parsed.value) : parsed;
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.errors));
  return Object.entries(decoded.value)
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap(([section, rules]) =>
      Object.entries(rules).map(([name, text]) => ({ id: `§${section} ${name}`, section, text })),
    );
}

function testFiles(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return testFiles(root, path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

/** A text in quotes with a section sign in it; comments do not count. */
const TITLE = /(['"`])((?:\\.|(?!\1)[^\\\n])*§(?:\\.|(?!\1)[^\\\n])*)\1/g;
const CITED = /§(\d+(?:\.\d+)*) (exit \d+|(?:!|_|--)?[A-Za-z0-9][A-Za-z0-9_-]*)/g;

function citationsOf(root: string, file: string): Citation[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  return [...text.matchAll(TITLE)].flatMap(([, , title = '']) =>
    [...title.matchAll(CITED)].map(([, section, name]) => ({ id: `§${section} ${name}`, file, title })),
  );
}

/** Every rule that a title of a test names, whether it exists or not. */
export function readCitations(root: string, tool: Specified): Citation[] {
  return testsOf(tool)
    .flatMap(directory => testFiles(root, directory))
    .sort()
    .flatMap(file => citationsOf(root, file));
}

function row(tool: Specified, rule: SpecRule, citations: readonly Citation[]): string {
  const files = [...new Set(citations.filter(({ id }) => id === rule.id).map(({ file }) => file))];
  const names = files.map(file => `\`${file.replace(`${tool}/test/`, '').replace(/\.test\.ts$/, '')}\``);
  return `| ${rule.id} | ${rule.text} | ${names.length === 0 ? '**none**' : names.join(', ')} |`;
}

/** The page: one table a section. */
export function coveragePage(root: string, tool: Specified): string {
  const rules = readRules(root, tool);
  const citations = readCitations(root, tool);
  const cited = new Set(citations.map(({ id }) => id));
  const sections = [...new Set(rules.map(({ section }) => section))];
  const tables = sections.map(section => {
    const rows = rules.filter(rule => rule.section === section).map(rule => row(tool, rule, citations));
    return `## §${section}\n\n| rule | in short | tests |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  const covered = rules.filter(({ id }) => cited.has(id)).length;
  return [
    '# Rules of the specification and their tests',
    '',
    `Generated from \`${rulesOf(tool)}\` and the titles of the tests: ${covered} of ${rules.length} rules have a test that names them.`,
    '',
    ...tables,
  ].join('\n');
}
