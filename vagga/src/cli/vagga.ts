// Entry of `vagga`, in three bundles, each loaded only when the one before cannot answer: what is in the start-up cache already,
// a command that only has to be started, and everything that needs the YAML parser, the schemas or the builder.
import { quickAnswer } from './answers.ts';
import { launchRun } from './launch.ts';

const code = quickAnswer(process.argv.slice(2));
if (code === undefined) launchRun();
else process.exit(code);
