// The second bundle of `vagga`: the shortest way to a running command.
import { enterEarly } from './early.ts';
import { launch } from './launch.ts';
import { quickStart } from './quick.ts';

const argv = process.argv.slice(2);
const quick = quickStart(argv);
if (quick === undefined) {
  enterEarly(argv);
  launch('vagga-full');
} else quick.then(code => process.exit(code));
