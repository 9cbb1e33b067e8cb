// `npm run bench -- NAME… [--json] [--runs N]`: sets up peers, builds, then runs the named benchmarks.
import { spawnSync } from 'node:child_process';
import { bundle, prepare, ROOT } from './prepare.mjs';

await prepare({ needs: ['demo', 'bench'], needsRoot: true, again: 'npm run bench', build: true });
const environment = { ...process.env, SUITE_ROOT: ROOT };
// Costs 29 ms at each start of Node 20, ours and the peers' alike.
delete environment.NODE_EXTRA_CA_CERTS;
// It hears Ctrl-C itself and undoes what it made; without this, the prompt would come back before that.
process.on('SIGINT', () => {});
const done = spawnSync(process.execPath, ['--expose-gc', bundle('bench'), ...process.argv.slice(2)], {
  cwd: ROOT,
  env: environment,
  stdio: 'inherit',
});
process.exit(done.status ?? 1);
