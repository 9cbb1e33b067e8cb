import { runTree } from '../daemon/run-tree.ts';
import { configOf, runCommand, VERSION } from './shared-options.ts';
import { TREE_SPEC } from './tree-spec.ts';

void runCommand(TREE_SPEC, async run => {
  const code = await runTree({
    config: configOf(run),
    logStderr: run.options['log-stderr'] === true,
    logConsole: run.options['log-console'] === true,
    logLevel: run.options['log-level'] as string | undefined,
    version: VERSION,
  });
  // Signal handlers keep Node alive; everything is written by now.
  process.exit(code);
});
