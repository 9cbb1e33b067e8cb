import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedFiles } from './files.ts';
import { coveragePage } from './spec-coverage.ts';

// `npm run generate`: writes what is generated from the code.

const root = process.env.SUITE_ROOT ?? process.cwd();
const coverage = (['lithos', 'vagga'] as const).map(
  tool => [`${tool}/docs/spec-coverage.md`, coveragePage(root, tool)] as const,
);
const files = [...generatedFiles(root), ...coverage];
for (const [path, text] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
