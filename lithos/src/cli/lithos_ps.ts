import { colours } from '@suite/shared/cli/colours.ts';
import type { CommandSpec, ParsedRun } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { ProcessTable } from '../adapters/process-table.ts';
import { findTrees } from './find-trees.ts';
import { jsonOf, textOf } from './ps-view.ts';
import { CONFIG_OPTION, JSON_OPTION, runCommand } from './shared-options.ts';

const SPEC: CommandSpec = {
  name: 'lithos_ps',
  summary: 'Shows what the lithos_tree processes of this host run, without talking to them.',
  examples: [
    ['lithos_ps', 'every running tree with its sandboxes, processes and instances'],
    ['lithos_ps --json', 'the same for programs'],
    ['lithos_ps -C ./master.yaml', 'one tree, also while its supervisor is not running'],
  ],
  options: [
    { ...CONFIG_OPTION, summary: 'only the tree of this master config (default: all that run)' },
    JSON_OPTION,
    { long: 'force-color', summary: 'colours even when the output is no terminal' },
    { long: 'no-color', summary: 'no colours' },
  ],
  footer: 'Exit codes: 0 shown, 1 no lithos_tree was found, 2 bad command line.',
};

async function run({ options }: ParsedRun): Promise<number> {
  const table = new ProcessTable();
  const trees = await findTrees(table, options.config as string | undefined);
  const nowMs = Date.now();
  if (options.json === true) {
    jsonOut({ trees: trees.map(tree => jsonOf(tree, table, nowMs)) }, process.stdout);
    return EXIT.ok;
  }
  const wanted = options['force-color'] === true ? 'always' : options['no-color'] === true ? 'never' : 'auto';
  const ink = colours(process.stdout, process.env, wanted);
  process.stdout.write(trees.map(tree => textOf(tree, table, { ink, nowMs })).join(''));
  if (trees.length > 0) return EXIT.ok;
  process.stderr.write('lithos_ps: no lithos_tree runs here (or its master config cannot be read)\n');
  return EXIT.failed;
}

void runCommand(SPEC, run);
