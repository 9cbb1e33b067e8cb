// Examples of configuration cannot rot: each block of YAML in the documentation says what it is, and is that.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, type Schema, s } from '@suite/shared/schema/index.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import t from 'tap';
import { containerSchema } from '../../src/config/container.ts';
import { masterSchema } from '../../src/config/master.ts';
import { processEntrySchema } from '../../src/config/process.ts';
import { sandboxSchema } from '../../src/config/sandbox.ts';
import { checkContainer } from '../../src/core/desired/checks/entry.ts';

const ROOT = join(process.env.SUITE_ROOT ?? '..', 'lithos');
const DOCS = readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`);
const SCHEMAS: Readonly<Record<string, Schema<unknown>>> = {
  master: masterSchema,
  sandbox: sandboxSchema,
  process: s.map(processEntrySchema),
  container: containerSchema,
};

interface Block {
  readonly page: string;
  /** As written behind the word yaml: the kind of file; `part` when required keys are left out; a file name. */
  readonly words: readonly string[];
  readonly text: string;
}

function blocks(page: string): Block[] {
  const found = readFileSync(join(ROOT, page), 'utf8').matchAll(/^```yaml ?(.*)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, words = '', text = '']) => ({ page, words: words.split(' '), text }));
}

function errors({ words: [kind = '', part], text }: Block): string[] {
  const schema = SCHEMAS[kind];
  if (schema === undefined) return ['no kind of file'];
  const whole = part === 'part' ? `${text}executable: /bin/program\n` : text;
  const parsed = parseYaml(whole, { file: 'x.yaml' });
  if (!parsed.ok) return parsed.errors.map(({ message }) => message);
  const decoded = decode(schema, parsed.value);
  if (!decoded.ok) return decoded.errors.map(({ line, message }) => `${line}: ${message}`);
  if (kind !== 'container') return [];
  const value = decoded.value as Parameters<typeof checkContainer>[0]['value'];
  return checkContainer({ value, node: parsed.value }).map(({ line, message }) => `${line}: ${message}`);
}

t.test('every example of a config file is valid', async t => {
  const all = ['README.md', ...DOCS].flatMap(blocks);
  // The one that shows what is wrong.
  const good = all.filter(({ words }) => words[1] !== 'broken.yaml');
  const wrong = good.flatMap(block => errors(block).map(error => `${block.page}: ${error}\n${block.text}`));
  t.same(wrong, []);
  t.equal(all.length - good.length, 1);
  t.ok(new Set(good.map(({ page }) => page)).size >= 6, 'on many pages');
});

t.test('a page has at most 200 lines, unless it is made by a program', async t => {
  const long = DOCS.filter(page => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    return text.split('\n').length > 200 && !/^Generated from /m.test(text);
  });
  t.same(long, []);
});
