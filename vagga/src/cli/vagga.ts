// Entry of `vagga`: the shortest way to a running command. Everything that needs the YAML parser, the schemas or the
// builder is in a second bundle that is loaded only when this one cannot answer from the start-up cache.
import { join } from 'node:path';
import { enterEarly } from './early.ts';
import { quickStart } from './quick.ts';

declare const require: (path: string) => { launch(binDir: string, name: string): void };
declare const __dirname: string;

const argv = process.argv.slice(2);
const quick = quickStart(argv);
if (quick === undefined) {
  enterEarly(argv);
  require(join(__dirname, '../../shared/bin/launch.cjs')).launch(join(__dirname, '..', 'bin'), 'vagga-full');
} else quick.then(code => process.exit(code));
