import { resolve } from 'node:path';
import { runTree } from '../daemon/run-tree.ts';
import { configOf, runCommand, VERSION } from './shared-options.ts';
import { TREE_SPEC } from './tree-spec.ts';

/**
 * Whoever replaces us in place is told the whole path (the last word counts): the directory we were started in may be
 * another one, or gone, by then. With such a command line nothing keeps us in that directory, nor its disk mounted.
 */
function withFullPath(config: string): string {
  const path = resolve(config);
  const end = process.argv.indexOf('--');
  if (path === config) process.chdir('/');
  else process.argv.splice(end < 0 ? process.argv.length : end, 0, '--config', path);
  return path;
}

void runCommand(TREE_SPEC, async run => {
  const code = await runTree({
    config: withFullPath(configOf(run)),
    logStderr: run.options['log-stderr'] === true,
    logConsole: run.options['log-console'] === true,
    logLevel: run.options['log-level'] as string | undefined,
    version: VERSION,
  });
  // Signal handlers keep Node alive; everything is written by now.
  process.exit(code);
});
