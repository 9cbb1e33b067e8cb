// `npm test [PART …]`: sets up what is missing, builds, then runs every test of every package (or, without building, those whose path has PART).
// `--units`: only what needs no machine of its own, with the packages there are; `vagga test` runs this in a container.
// Ends with `N passed, N failed` (`, N skipped` when something was skipped; on CI a skip is a failure).
import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { buildMissing, prepare, ROOT } from './prepare.mjs';

/** A test file that hangs is our bug: 10 min is three times the slowest one on 2 cores. `TAP_TIMEOUT` (s): on an emulated machine. */
const FILE_TIMEOUT_MS = 1000 * Number(process.env.TAP_TIMEOUT ?? 600);
const PATIENCE = process.env.TAP_TIMEOUT ? ['--require', join(ROOT, 'deploy/vm/patient.cjs')] : [];

/** Unit tests of what only a whole machine has: mounts, cgroups, network namespaces, being the parent of orphans. */
const MACHINE = [
  'shared/test/unit/oci.',
  'shared/test/unit/sockets.',
  'shared/test/unit/linux.',
  'lithos/test/unit/limits.',
];

const units = process.argv.includes('--units');
const named = process.argv.slice(2).filter(word => !word.startsWith('--'));
const words = units && named.length === 0 ? ['/test/unit/', '/test/sim/'] : named;
const soak = process.argv.includes('--soak');
// A focused run trusts what is built, so that one package can be worked on while another does not build.
if (units) buildMissing();
else await prepare({ needs: ['test'], build: words.length === 0 });
const { compileTests } = await import('../build/tests.mjs');
const { Parser } = await import('tap-parser');

const total = { passed: 0, failed: 0, skipped: 0 };
const environment = {
  ...process.env,
  SUITE_ROOT: ROOT,
  TAP_TIMEOUT: String(FILE_TIMEOUT_MS / 1000),
  // Shells, git and the C library say things that tests look for.
  LC_ALL: 'C.UTF-8',
  ...(soak ? { SUITE_SOAK: '1' } : {}),
};
delete environment.NODE_EXTRA_CA_CERTS;

/** What a person needs of a failure: where it is and the difference. */
function explain(diagnostic) {
  if (!diagnostic) return '';
  const { diff, at, message, found, wanted, source, stack } = diagnostic;
  const where = at?.fileName ? `at ${at.fileName}:${at.lineNumber}` : stack;
  const values =
    diff ??
    (found === undefined && wanted === undefined
      ? undefined
      : `found: ${JSON.stringify(found)}\nwanted: ${JSON.stringify(wanted)}`);
  const lines = [where, message, values, diff ? undefined : source].filter(Boolean).join('\n');
  return `\n${lines}`.replace(/\n/g, '\n    ');
}

/** Counts assertions at the leaves: the closing line of a subtest only repeats what its own lines said. */
function count(parser, label) {
  const notes = [];
  const visit = (child, path) => {
    const children = new Set();
    child.on('child', inner => {
      children.add(inner.name);
      visit(inner, [...path, inner.name]);
    });
    child.on('assert', result => {
      if (children.has(result.name)) return;
      const name = [...path, result.name].join(' › ');
      if (result.skip || result.todo) {
        total.skipped++;
        notes.push(`  skipped: ${name}: ${result.skip || result.todo}`);
      } else if (result.ok) total.passed++;
      else {
        total.failed++;
        notes.push(`  FAILED: ${label} › ${name}${explain(result.diag)}`);
      }
    });
  };
  visit(parser, []);
  return notes;
}

function runFile(test) {
  const label = relative(ROOT, test.source);
  const parser = new Parser();
  const notes = count(parser, label);
  const started = Date.now();
  return new Promise(resolve => {
    const child = spawn(process.execPath, ['--enable-source-maps', ...PATIENCE, test.output], {
      cwd: join(ROOT, test.package),
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', chunk => {
      errors = (errors + chunk).slice(-20_000);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), FILE_TIMEOUT_MS);
    parser.on('complete', results => finish(results));
    child.stdout.pipe(parser);
    let exit;
    let results;
    const finish = value => {
      results = value ?? results;
      if (results === undefined || exit === undefined) return;
      clearTimeout(timer);
      if ((exit.code !== 0 || !results.ok) && !notes.some(note => note.includes('FAILED'))) {
        total.failed++;
        notes.push(`  FAILED: ${label}: ended with ${exit.signal ?? exit.code}\n${errors}`);
      }
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.log(
        `${notes.some(note => note.includes('FAILED')) ? 'not ok' : 'ok'} ${label} (${results.count} subtests, ${seconds} s)`,
      );
      for (const note of notes) console.log(note);
      resolve();
    };
    child.on('close', (code, signal) => {
      exit = { code, signal };
      finish();
    });
  });
}

/** Unit and simulation files share the cores; end-to-end files touch namespaces and ports, so they run alone. */
async function runAll(tests) {
  const alone = tests.filter(test => /\/test\/e2e\//.test(test.source));
  const shared = tests.filter(test => !alone.includes(test));
  const lanes = [0, 1].map(async () => {
    for (let next = shared.shift(); next !== undefined; next = shared.shift()) await runFile(next);
  });
  await Promise.all(lanes);
  for (const test of alone) await runFile(test);
}

const found = await compileTests(ROOT, words);
const tests = units ? found.filter(({ source }) => !MACHINE.some(part => source.includes(part))) : found;
if (tests.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`);
  process.exit(2);
}
await runAll(tests);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 || (process.env.CI && total.skipped > 0) ? 1 : 0);
