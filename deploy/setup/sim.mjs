// `npm run sim -- NAME [--seed N] [--seeds N]`: runs the simulation tests whose path has NAME, with one seed or many.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, ROOT } from './prepare.mjs';

const args = process.argv.slice(2);
const value = flag => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
const name = args.find((word, index) => !word.startsWith('--') && !args[index - 1]?.startsWith('--'));
if (name === undefined) {
  console.error('usage: npm run sim -- NAME [--seed N] [--seeds N]');
  process.exit(2);
}
await prepare({ needs: [] });
const environment = { ...process.env, SUITE_ROOT: ROOT };
if (value('--seed') !== undefined) environment.SIM_SEED = value('--seed');
if (value('--seeds') !== undefined) environment.SIM_SEEDS = value('--seeds');
const { compileTests } = await import('../build/tests.mjs');
const tests = (await compileTests(ROOT, ['/test/sim/'])).filter(test => test.source.includes(name));
if (tests.length === 0) {
  console.error(`no simulation has "${name}" in its path`);
  process.exit(2);
}
const codes = tests.map(
  test =>
    spawnSync(process.execPath, ['--enable-source-maps', test.output], {
      cwd: join(ROOT, test.package),
      env: environment,
      stdio: 'inherit',
    }).status ?? 1,
);
process.exit(Math.max(...codes));
