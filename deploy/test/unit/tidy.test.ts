import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';
import { generatedFiles } from '../../src/generate/files.ts';

// The rules of the house that no linter knows. Each finding is one line `file: what`, and the list must be empty.

const ROOT = process.env.SUITE_ROOT ?? resolve(process.cwd(), '..');
const PACKAGES = ['shared', 'vagga', 'lithos', 'cantal', 'verwalter', 'ui', 'deploy'];
const SKIPPED = new Set([
  'node_modules',
  'dist',
  '.git',
  '.types',
  '.demo',
  '.vagga',
  '.turbo',
  '.tap',
  'fixtures',
  '__pycache__',
  '_build',
]);
const FILE_LINES_MAX = 400;

function walk(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter(name => !SKIPPED.has(name))
    .flatMap(name => {
      const path = join(directory, name);
      return statSync(path).isDirectory() ? walk(path) : [path];
    });
}

const all = walk(ROOT).map(path => relative(ROOT, path));
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const isTypeScript = (file: string): boolean => /\.tsx?$/.test(file);
const sources = all.filter(file => isTypeScript(file) && /^[a-z]+\/src\//.test(file));
const tests = all.filter(file => isTypeScript(file) && /^[a-z]+\/test\//.test(file));

/** Comments removed, so that a word in an explanation is not taken for a call. Strings stay: they may hold code names. */
function code(file: string): string {
  return text(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:])\/\/.*$/gm, '$1');
}

const WORLD = [
  /from ['"]node:/,
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\.now\b/,
  /\bset(Timeout|Interval|Immediate)\(/,
  /\bMath\.random\b/,
  /\bprocess\.(env|pid|argv|stdout|stderr|exit|on)\b/,
];

t.test('a core reaches the world only through ports', async t => {
  const cores = sources.filter(
    file => /\/src\/(core|config)\//.test(file) || /^shared\/src\/(yaml|schema|wire|sim)\//.test(file),
  );
  const found = cores.flatMap(file =>
    WORLD.filter(word => word.test(code(file))).map(word => `${file}: ${word.source}`),
  );
  t.ok(cores.length > 0, 'there are cores');
  t.same(found, []);
});

t.test(`no source file is longer than ${FILE_LINES_MAX} lines`, async t => {
  const long = all
    .filter(file => /\.(tsx?|mjs|cjs|lua|py|css|sh)$/.test(file) && !/\/test\//.test(file))
    .map(file => [file, text(file).split('\n').length] as const)
    .filter(([, lines]) => lines > FILE_LINES_MAX);
  t.same(long, []);
});

t.test('no unfinished marks', async t => {
  const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
  const found = all.filter(
    file => /\.(tsx?|mjs|cjs|lua|py|sh|hbs|ya?ml)$/.test(file) && marks.test(text(file)),
  );
  t.same(found, []);
});

/** Import specifiers of a file as checkout-relative paths of our own files. */
function imports(file: string): string[] {
  const found = [...text(file).matchAll(/(?:from|import\(|import|require\()\s*['"]([^'"]+)['"]/g)].map(
    match => match[1] ?? '',
  );
  return found.flatMap(specifier => {
    if (specifier.startsWith('@suite/')) return [specifier.replace(/^@suite\/([a-z]+)\//, '$1/src/')];
    if (specifier.startsWith('.')) return [relative(ROOT, resolve(ROOT, dirname(file), specifier))];
    return [];
  });
}

function entries(): string[] {
  const bundled = PACKAGES.flatMap(name => {
    const suite = JSON.parse(text(`${name}/package.json`)).suite ?? {};
    return Object.values((suite.entries ?? {}) as Record<string, string>).map(source => `${name}/${source}`);
  });
  const pages = all.filter(file => /^ui\/.*\.html$/.test(file));
  const scripts = pages.flatMap(page =>
    [...text(page).matchAll(/<script[^>]*src="\/?([^"]+)"/g)].map(match =>
      existsSync(join(ROOT, 'ui', match[1] ?? ''))
        ? `ui/${match[1]}`
        : relative(ROOT, resolve(ROOT, dirname(page), match[1] ?? '')),
    ),
  );
  return [
    ...bundled,
    ...scripts,
    'ui/src/common/styles.d.ts',
    ...all.filter(file => /^ui\/vite.*config\.ts$/.test(file)),
  ];
}

function reachable(from: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const queue = [...from];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file) || !existsSync(join(ROOT, file))) continue;
    seen.add(file);
    if (isTypeScript(file)) queue.push(...imports(file));
  }
  return seen;
}

/** The simulator serves tests only, and the library's calls are proven before a tool needs them. */
const libraryTests = tests.filter(file => file.startsWith('shared/test/'));

t.test('every source file is used by a command', async t => {
  const used = reachable([...entries(), ...libraryTests]);
  t.ok(used.size > PACKAGES.length, 'the entries lead somewhere');
  t.same(
    sources.filter(file => !used.has(file)),
    [],
  );
});

t.test('every exported function, class and value is used elsewhere', async t => {
  const words = new Map<string, Set<string>>();
  for (const file of [...sources, ...tests, ...all.filter(file => /^ui\/.*\.tsx?$/.test(file))])
    words.set(file, new Set(code(file).match(/[A-Za-z_$][\w$]*/g)));
  const found = sources.flatMap(file =>
    [...code(file).matchAll(/^export (?:async )?(?:function|const|class|let) (\w+)/gm)]
      .map(match => match[1] ?? '')
      .filter(name => ![...words].some(([other, used]) => other !== file && used.has(name)))
      .map(name => `${file}: ${name}`),
  );
  t.same(found, []);
});

t.test('documents link to files that exist', async t => {
  const found = all
    .filter(file => file.endsWith('.md'))
    .flatMap(file =>
      [...text(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
        .map(match => match[1] ?? '')
        .filter(link => !/^[a-z]+:/.test(link) && !existsSync(resolve(ROOT, dirname(file), link)))
        .map(link => `${file}: ${link}`),
    );
  t.same(found, []);
});

t.test('generated files are fresh: npm run generate', async t => {
  const stale = [...generatedFiles(ROOT)].filter(
    ([path, wanted]) => !existsSync(join(ROOT, path)) || text(path) !== wanted,
  );
  t.same(
    stale.map(([path]) => path),
    [],
  );
});

t.test('install scripts are decided by name', async t => {
  const manifest = JSON.parse(text('package.json'));
  const installed = JSON.parse(text('node_modules/.package-lock.json')).packages as Record<
    string,
    { hasInstallScript?: boolean }
  >;
  const undecided = Object.entries(installed)
    .filter(([, entry]) => entry.hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    .filter(name => !(name in manifest.allowScripts));
  t.same(undecided, []);
});
