// The second bundle of `vagga`: the shortest way to a running command.
import { exitAtOnce } from '@suite/shared/linux/exit.ts';
import { isTerminal } from '@suite/shared/linux/terminal.ts';
import { enterEarly } from './early.ts';
import { launchFull } from './launch.ts';
import { quickStart } from './quick.ts';

/** Node gives a terminal back the settings it has found. */
function end(code: number): void {
  if ([0, 1, 2].some(isTerminal)) process.exit(code);
  exitAtOnce(code);
}

const argv = process.argv.slice(2);
const quick = quickStart(argv);
if (quick === undefined) {
  enterEarly(argv);
  launchFull();
} else quick.then(end);
