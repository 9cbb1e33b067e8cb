// `npm start [-- FLAGS]`: sets up what is missing, then brings up the demo cluster (see deploy/demo).
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { readOptions, USAGE } from './options.mjs';
import { bundle, prepare, ROOT } from './prepare.mjs';

const flags = process.argv.slice(2);
const options = readOptions(flags);
if (options.kind === 'wrong') process.stderr.write(`${options.message}\n\n${USAGE}`);
if (options.kind === 'help') process.stdout.write(USAGE);
if (options.kind !== 'run') process.exit(options.kind === 'help' ? 0 : 2);

const again = ['npm start', ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ');
await prepare({ needs: ['demo'], needsRoot: true, again, build: true });

const environment = { ...process.env, SUITE_ROOT: ROOT };
delete environment.NODE_EXTRA_CA_CERTS;
const demo = spawn(process.execPath, [bundle('demo'), ...flags], {
  cwd: ROOT,
  env: environment,
  stdio: 'inherit',
});
// The terminal signals the whole group; a plain `kill` reaches only this process, so it is passed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => demo.kill(signal));
process.on('SIGINT', () => {});
demo.on('close', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
