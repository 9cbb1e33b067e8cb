// What the documents show works: each piece of vagga.yaml in them loads, and the pages they name are there.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { Reader } from '../../src/adapters/project/reader.ts';
import { loadProject } from '../../src/config/load.ts';

const ROOT = process.env.SUITE_ROOT ?? '';
const PAGES = [
  'vagga/README.md',
  'vagga/examples/README.md',
  ...readdirSync(join(ROOT, 'vagga/docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `vagga/docs/${name}`),
];
const directory = mkdtempSync(join(tmpdir(), 'vagga-docs-'));
t.teardown(() => rmSync(directory, { recursive: true }));

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** Pieces that begin as a vagga.yaml does; others are of settings or other programs. */
const configs = (page: string): string[] =>
  [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
    .map(([, text = '']) => text)
    .filter(text => /^(containers|commands):/m.test(text));

/** The part of a page that `#name` means. */
const anchors = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

t.test('every vagga.yaml of the documents loads', async t => {
  const all = PAGES.flatMap(page => configs(page).map((text, index) => ({ page, text, index })));
  t.ok(all.length >= 8, `${all.length} of them`);
  for (const { page, text, index } of all) {
    const file = join(directory, 'vagga.yaml');
    writeFileSync(file, text);
    const loaded = loadProject(directory, file, new Reader().read);
    t.equal(loaded.ok ? '' : loaded.text, '', `${page}, ${index + 1}`);
  }
});

t.test('every example project loads', async t => {
  const examples = join(ROOT, 'vagga/examples');
  const names = readdirSync(examples, { withFileTypes: true }).filter(entry => entry.isDirectory());
  t.ok(names.length >= 5, `${names.length} of them`);
  for (const { name } of names) {
    const root = join(examples, name);
    const loaded = loadProject(root, join(root, 'vagga.yaml'), new Reader().read);
    t.equal(loaded.ok ? '' : loaded.text, '', name);
  }
});

t.test('every link leads to a page of ours, and to a title of it', async t => {
  for (const page of PAGES)
    for (const [link, path = '', anchor = ''] of read(page).matchAll(
      /\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g,
    )) {
      const target = path === '' ? page : join(dirname(page), path);
      t.ok(existsSync(join(ROOT, target)), `${page}: ${link}`);
      const line = target.endsWith('.yaml') ? /^L(\d+)$/.exec(anchor)?.[1] : undefined;
      if (line !== undefined) t.ok(read(target).split('\n').length > Number(line), `${page}: ${link}`);
      else if (anchor !== '') t.ok(anchors(target).includes(anchor), `${page}: ${link}`);
    }
});

t.test('every page is named in README.md', async t => {
  const readme = read('vagga/README.md');
  t.same(
    PAGES.slice(1).filter(page => !readme.includes(page.replace('vagga/', ''))),
    [],
  );
});
